-- How much was recorded and how often something happened, in buckets of four lengths: a year of lanes reads hundreds of
-- rows, not millions. Triggers keep them in the transaction of whatever changes the clips and the events. And bookmarks.

CREATE TABLE timeline_levels (length_us INTEGER PRIMARY KEY NOT NULL) STRICT;
INSERT INTO timeline_levels VALUES (600000000), (3600000000), (21600000000), (86400000000);

CREATE TABLE timeline_numbers (n INTEGER PRIMARY KEY NOT NULL) STRICT; -- counts the buckets of a clip: triggers know no recursion
WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < 4095)
INSERT INTO timeline_numbers SELECT n FROM counted;

-- A row holds 64 buckets that follow each other, as digits.
CREATE TABLE recorded_buckets (
    length_us INTEGER NOT NULL,
    chunk     INTEGER NOT NULL,           -- number of the first bucket since 1970 in UTC, by 64
    camera    TEXT NOT NULL,
    total_us  INTEGER NOT NULL,
    amounts   TEXT NOT NULL,              -- 14 digits a bucket: microseconds; more than its length where clips overlap
    PRIMARY KEY (length_us, chunk, camera)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_buckets (
    length_us INTEGER NOT NULL,
    chunk     INTEGER NOT NULL,
    camera    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    total     INTEGER NOT NULL,
    amounts   TEXT NOT NULL,              -- 7 digits a bucket: events that begin in it
    PRIMARY KEY (length_us, chunk, camera, kind)
) STRICT, WITHOUT ROWID;

-- A span of clips is read from its index alone: the rows are long.
DROP INDEX clips_by_time;
CREATE INDEX clips_by_time ON clips (start_us, camera, duration_us, erasing);
CREATE INDEX clips_long ON clips (start_us) WHERE duration_us > 3600000000;
-- What is being erased is looked for each minute; it is a handful among millions.
CREATE INDEX clips_erasing ON clips (camera) WHERE erasing;
CREATE INDEX events_long ON events (start_us) WHERE end_us IS NULL OR end_us - start_us > 3600000000;
-- From one event of a kind to the next, however rare.
CREATE INDEX events_by_kind ON events (camera, kind, start_us, id);
DROP INDEX events_by_camera;
CREATE INDEX events_by_camera ON events (camera, start_us, id);
DROP INDEX events_by_time;
CREATE INDEX events_by_time ON events (start_us, id);

-- The part of each clip that lies in each bucket; `bucket` counts from 1970.
CREATE VIEW clip_pieces AS
    SELECT id, camera, length_us, bucket,
           min(start_us + duration_us, (bucket + 1) * length_us) - max(start_us, bucket * length_us) AS amount
    FROM (SELECT id, camera, start_us, duration_us, length_us,
                 (start_us - (start_us % length_us + length_us) % length_us) / length_us + n AS bucket
          FROM clips CROSS JOIN timeline_levels CROSS JOIN timeline_numbers
          WHERE NOT erasing AND duration_us > 0
            AND n <= ((start_us % length_us + length_us) % length_us + duration_us - 1) / length_us);

CREATE VIEW event_places AS
    SELECT id, camera, kind, length_us,
           (start_us - (start_us % length_us + length_us) % length_us) / length_us AS bucket
    FROM events CROSS JOIN timeline_levels;

-- What is put into these views is added to the digits of its bucket.
CREATE VIEW recorded_more AS SELECT 0 AS length_us, 0 AS chunk, 0 AS place, '' AS camera, 0 AS amount WHERE 0;
CREATE TRIGGER recorded_more_put INSTEAD OF INSERT ON recorded_more BEGIN
    INSERT OR IGNORE INTO recorded_buckets VALUES (NEW.length_us, NEW.chunk, NEW.camera, 0, printf('%0896d', 0));
    UPDATE recorded_buckets SET
        total_us = total_us + NEW.amount,
        amounts = substr(amounts, 1, NEW.place * 14)
            || printf('%014d', substr(amounts, NEW.place * 14 + 1, 14) + NEW.amount)
            || substr(amounts, NEW.place * 14 + 15)
        WHERE length_us = NEW.length_us AND chunk = NEW.chunk AND camera = NEW.camera;
    DELETE FROM recorded_buckets
        WHERE NEW.amount < 0 AND length_us = NEW.length_us AND chunk = NEW.chunk AND camera = NEW.camera AND total_us = 0;
END;

CREATE VIEW events_more AS SELECT 0 AS length_us, 0 AS chunk, 0 AS place, '' AS camera, '' AS kind, 0 AS amount WHERE 0;
CREATE TRIGGER events_more_put INSTEAD OF INSERT ON events_more BEGIN
    INSERT OR IGNORE INTO event_buckets VALUES (NEW.length_us, NEW.chunk, NEW.camera, NEW.kind, 0, printf('%0448d', 0));
    UPDATE event_buckets SET
        total = total + NEW.amount,
        amounts = substr(amounts, 1, NEW.place * 7)
            || printf('%07d', substr(amounts, NEW.place * 7 + 1, 7) + NEW.amount)
            || substr(amounts, NEW.place * 7 + 8)
        WHERE length_us = NEW.length_us AND chunk = NEW.chunk AND camera = NEW.camera AND kind = NEW.kind;
    DELETE FROM event_buckets
        WHERE NEW.amount < 0 AND length_us = NEW.length_us AND chunk = NEW.chunk AND camera = NEW.camera
            AND kind = NEW.kind AND total = 0;
END;

-- `bucket & 63` and `bucket >> 6` are right for times before 1970 too.
CREATE TRIGGER clip_recorded AFTER INSERT ON clips BEGIN
    INSERT INTO recorded_more SELECT length_us, bucket >> 6, bucket & 63, camera, amount FROM clip_pieces WHERE id = NEW.id;
END;
CREATE TRIGGER clip_leaves BEFORE UPDATE OF erasing, camera, start_us, duration_us ON clips BEGIN
    INSERT INTO recorded_more SELECT length_us, bucket >> 6, bucket & 63, camera, -amount FROM clip_pieces WHERE id = OLD.id;
END;
CREATE TRIGGER clip_changed AFTER UPDATE OF erasing, camera, start_us, duration_us ON clips BEGIN
    INSERT INTO recorded_more SELECT length_us, bucket >> 6, bucket & 63, camera, amount FROM clip_pieces WHERE id = NEW.id;
END;
CREATE TRIGGER clip_gone BEFORE DELETE ON clips BEGIN
    INSERT INTO recorded_more SELECT length_us, bucket >> 6, bucket & 63, camera, -amount FROM clip_pieces WHERE id = OLD.id;
END;

CREATE TRIGGER event_happened AFTER INSERT ON events BEGIN
    INSERT INTO events_more SELECT length_us, bucket >> 6, bucket & 63, camera, kind, 1 FROM event_places WHERE id = NEW.id;
END;
CREATE TRIGGER event_leaves BEFORE UPDATE OF kind, camera, start_us ON events BEGIN
    INSERT INTO events_more SELECT length_us, bucket >> 6, bucket & 63, camera, kind, -1 FROM event_places WHERE id = OLD.id;
END;
CREATE TRIGGER event_changed AFTER UPDATE OF kind, camera, start_us ON events BEGIN
    INSERT INTO events_more SELECT length_us, bucket >> 6, bucket & 63, camera, kind, 1 FROM event_places WHERE id = NEW.id;
END;
CREATE TRIGGER event_gone BEFORE DELETE ON events BEGIN
    INSERT INTO events_more SELECT length_us, bucket >> 6, bucket & 63, camera, kind, -1 FROM event_places WHERE id = OLD.id;
END;

-- What was there before, bucket by bucket.
INSERT INTO recorded_more SELECT length_us, bucket >> 6, bucket & 63, camera, sum(amount) FROM clip_pieces GROUP BY 1, 2, 3, 4;
INSERT INTO events_more SELECT length_us, bucket >> 6, bucket & 63, camera, kind, count(*) FROM event_places GROUP BY 1, 2, 3, 4, 5;

CREATE TABLE bookmarks (                  -- moments that somebody marked; their clips stay until these are gone
    id      TEXT PRIMARY KEY NOT NULL,
    clip    TEXT NOT NULL REFERENCES clips (id) ON DELETE CASCADE,
    person  TEXT NOT NULL REFERENCES people (id), -- who marked it
    at_us   INTEGER NOT NULL,
    note    BLOB,                         -- sealed to the owner and to that person
    made_us INTEGER NOT NULL,
    entry   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bookmarks_by_clip ON bookmarks (clip);
