-- What a grant allows, and within which bounds. Rights are a bit each: live, playback, ptz, talk, snapshot, copy.
ALTER TABLE grants ADD COLUMN rights INTEGER NOT NULL DEFAULT 2;
ALTER TABLE grants ADD COLUMN back_us INTEGER;                    -- of a camera: clips that ended no longer ago; NULL: from the grant on
ALTER TABLE grants ADD COLUMN hours TEXT;                         -- JSON: days, from_min, to_min
ALTER TABLE grants ADD COLUMN opens INTEGER;                      -- how many openings it allows
ALTER TABLE grants ADD COLUMN opened INTEGER NOT NULL DEFAULT 0;  -- openings so far
ALTER TABLE grants ADD COLUMN second TEXT REFERENCES people (id); -- who must agree to each opening
ALTER TABLE grants ADD COLUMN second_name BLOB;                   -- sealed to the person of the grant
ALTER TABLE grants ADD COLUMN person_name BLOB;                   -- sealed to the one who must agree
ALTER TABLE grants ADD COLUMN pending INTEGER NOT NULL DEFAULT 0; -- wraps of clips that exist are still to be made
UPDATE grants SET rights = 3 WHERE scope = 'camera';
UPDATE grants SET opened = (SELECT count(*) FROM entries WHERE kind = 'opened' AND entries.grant_id = grants.id);
CREATE INDEX grants_by_camera ON grants (camera) WHERE ended_us IS NULL;

ALTER TABLE people ADD COLUMN role BLOB;                          -- "Family": sealed to the owner
ALTER TABLE people ADD COLUMN until_us INTEGER;                   -- a guest's end
ALTER TABLE people ADD COLUMN language TEXT;                      -- NULL: as everybody
ALTER TABLE people ADD COLUMN removed_us INTEGER;                 -- kept as a row, for the faces in the log

-- Questions to those who must agree before a clip is opened. An agreement takes one layer off the wrap, for one opening.
CREATE TABLE asks (
    id          TEXT PRIMARY KEY NOT NULL,
    grant_id    TEXT NOT NULL REFERENCES grants (id),
    clip        TEXT NOT NULL REFERENCES clips (id) ON DELETE CASCADE,
    asked_us    INTEGER NOT NULL,
    entry       INTEGER NOT NULL,
    answered_us INTEGER,
    agreed      INTEGER,                  -- NULL: not answered yet
    wrap        BLOB                      -- age(broker, age(person, clip key)); gone when it was used
) STRICT;
CREATE INDEX asks_by_clip ON asks (clip);
CREATE INDEX asks_by_grant ON asks (grant_id);
