-- Where a dashcam was: what stood beside an imported film.

ALTER TABLE imports ADD COLUMN track BLOB; -- sealed to the owner; NULL: there was none
