-- When each camera is recorded, what is kept longer than the rest, and why of some time there is nothing.

CREATE TABLE recording (                  -- how a camera is recorded; without a row: always
    camera   TEXT PRIMARY KEY NOT NULL REFERENCES cameras (id),
    settings TEXT NOT NULL                -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE causes (                     -- the event that made a clip, where one did
    clip  TEXT PRIMARY KEY NOT NULL REFERENCES clips (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    kind  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE holds (                      -- what is kept until it is released
    id       TEXT PRIMARY KEY NOT NULL,
    camera   TEXT NOT NULL REFERENCES cameras (id),
    from_us  INTEGER NOT NULL,
    to_us    INTEGER NOT NULL,
    cause    TEXT NOT NULL,               -- what asked for it
    note     BLOB,                        -- sealed to the owner
    made_us  INTEGER NOT NULL,
    until_us INTEGER,                     -- NULL: until somebody releases it
    entry    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_by_camera ON holds (camera, from_us);

CREATE TABLE gaps (                       -- why there is nothing where there is no clip
    camera  TEXT NOT NULL REFERENCES cameras (id),
    from_us INTEGER NOT NULL,
    to_us   INTEGER,                      -- NULL: it goes on
    reason  TEXT NOT NULL
) STRICT;
CREATE INDEX gaps_by_camera ON gaps (camera, from_us);

CREATE TABLE stored (                     -- what the clips of a camera take, without adding them up each time
    camera     TEXT PRIMARY KEY NOT NULL REFERENCES cameras (id),
    size_bytes INTEGER NOT NULL,
    clips      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO stored SELECT camera, sum(size_bytes), count(*) FROM clips WHERE NOT erasing GROUP BY camera;
CREATE TRIGGER stored_more AFTER INSERT ON clips WHEN NOT NEW.erasing BEGIN
    INSERT INTO stored VALUES (NEW.camera, NEW.size_bytes, 1)
    ON CONFLICT (camera) DO UPDATE SET size_bytes = size_bytes + NEW.size_bytes, clips = clips + 1;
END;
CREATE TRIGGER stored_less AFTER UPDATE OF erasing ON clips WHEN NEW.erasing AND NOT OLD.erasing BEGIN
    UPDATE stored SET size_bytes = size_bytes - OLD.size_bytes, clips = clips - 1 WHERE camera = OLD.camera;
END;
CREATE TRIGGER stored_gone AFTER DELETE ON clips WHEN NOT OLD.erasing BEGIN
    UPDATE stored SET size_bytes = size_bytes - OLD.size_bytes, clips = clips - 1 WHERE camera = OLD.camera;
END;
