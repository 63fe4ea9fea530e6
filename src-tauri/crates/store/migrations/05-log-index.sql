-- Each index answers every filter of the log by itself: pages and counts anywhere in a log of years read no leaf.

DROP INDEX entries_by_kind;
DROP INDEX entries_by_camera;
DROP INDEX entries_by_actor;
DROP INDEX entries_by_person;
CREATE INDEX entries_by_kind ON entries (kind, idx, camera, actor, person);
CREATE INDEX entries_by_camera ON entries (camera, idx, kind, actor, person) WHERE camera IS NOT NULL;
CREATE INDEX entries_by_actor ON entries (actor, idx, kind, camera) WHERE actor IS NOT NULL;
CREATE INDEX entries_by_person ON entries (person, idx, kind, camera, actor) WHERE person IS NOT NULL;
