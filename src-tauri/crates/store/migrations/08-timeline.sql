-- How much was recorded and how often something happened, in buckets of four lengths: a year of lanes reads thousands
-- of rows, not millions. Triggers keep them in the transaction of whatever changes the clips and the events.

CREATE TABLE timeline_levels (length_us INTEGER PRIMARY KEY NOT NULL) STRICT;
INSERT INTO timeline_levels VALUES (600000000), (3600000000), (21600000000), (86400000000);

CREATE TABLE timeline_numbers (n INTEGER PRIMARY KEY NOT NULL) STRICT; -- counts the buckets of a clip: triggers know no recursion
WITH RECURSIVE counted (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < 4095)
INSERT INTO timeline_numbers SELECT n FROM counted;

CREATE TABLE recorded_buckets (
    length_us   INTEGER NOT NULL,
    bucket_us   INTEGER NOT NULL,         -- where it begins, in UTC
    camera      TEXT NOT NULL,
    recorded_us INTEGER NOT NULL,         -- more than its length where clips overlap
    PRIMARY KEY (length_us, bucket_us, camera)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_buckets (
    length_us INTEGER NOT NULL,
    kind      TEXT NOT NULL,              -- '': of all kinds
    bucket_us INTEGER NOT NULL,           -- where the bucket begins in which the events begin, in UTC
    camera    TEXT NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (length_us, kind, bucket_us, camera)
) STRICT, WITHOUT ROWID;

-- What has become empty is found without a search.
CREATE INDEX recorded_buckets_empty ON recorded_buckets (recorded_us) WHERE recorded_us = 0;
CREATE INDEX event_buckets_empty ON event_buckets (count) WHERE count = 0;

-- A span of clips is read from its index alone: the rows are long.
DROP INDEX clips_by_time;
CREATE INDEX clips_by_time ON clips (start_us, camera, duration_us, erasing);
CREATE INDEX clips_long ON clips (start_us) WHERE duration_us > 3600000000;
CREATE INDEX events_long ON events (start_us) WHERE end_us IS NULL OR end_us - start_us > 3600000000;

-- The part of each clip that lies in each bucket.
CREATE VIEW clip_pieces AS
    SELECT id, camera, length_us, bucket_us,
           min(start_us + duration_us, bucket_us + length_us) - max(start_us, bucket_us) AS recorded_us
    FROM (SELECT id, camera, start_us, duration_us, length_us,
                 start_us - (start_us % length_us + length_us) % length_us + n * length_us AS bucket_us
          FROM clips CROSS JOIN timeline_levels CROSS JOIN timeline_numbers
          WHERE NOT erasing AND duration_us > 0
            AND n <= ((start_us % length_us + length_us) % length_us + duration_us - 1) / length_us);

CREATE TRIGGER clip_recorded AFTER INSERT ON clips BEGIN
    INSERT INTO recorded_buckets SELECT length_us, bucket_us, camera, recorded_us FROM clip_pieces WHERE id = NEW.id
        ON CONFLICT DO UPDATE SET recorded_us = recorded_us + excluded.recorded_us;
END;

CREATE TRIGGER clip_leaves BEFORE UPDATE OF erasing, camera, start_us, duration_us ON clips BEGIN
    INSERT INTO recorded_buckets SELECT length_us, bucket_us, camera, -recorded_us FROM clip_pieces WHERE id = OLD.id
        ON CONFLICT DO UPDATE SET recorded_us = recorded_us + excluded.recorded_us;
    DELETE FROM recorded_buckets WHERE recorded_us = 0;
END;

CREATE TRIGGER clip_changed AFTER UPDATE OF erasing, camera, start_us, duration_us ON clips BEGIN
    INSERT INTO recorded_buckets SELECT length_us, bucket_us, camera, recorded_us FROM clip_pieces WHERE id = NEW.id
        ON CONFLICT DO UPDATE SET recorded_us = recorded_us + excluded.recorded_us;
END;

CREATE TRIGGER clip_gone BEFORE DELETE ON clips BEGIN
    INSERT INTO recorded_buckets SELECT length_us, bucket_us, camera, -recorded_us FROM clip_pieces WHERE id = OLD.id
        ON CONFLICT DO UPDATE SET recorded_us = recorded_us + excluded.recorded_us;
    DELETE FROM recorded_buckets WHERE recorded_us = 0;
END;

CREATE VIEW event_places AS
    SELECT id, camera, length_us,
           iif(column1, '', kind) AS kind, start_us - (start_us % length_us + length_us) % length_us AS bucket_us
    FROM events CROSS JOIN timeline_levels CROSS JOIN (VALUES (0), (1));

CREATE TRIGGER event_happened AFTER INSERT ON events BEGIN
    INSERT INTO event_buckets SELECT length_us, kind, bucket_us, camera, 1 FROM event_places WHERE id = NEW.id
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER event_leaves BEFORE UPDATE OF kind, camera, start_us ON events BEGIN
    INSERT INTO event_buckets SELECT length_us, kind, bucket_us, camera, -1 FROM event_places WHERE id = OLD.id
        ON CONFLICT DO UPDATE SET count = count - 1;
    DELETE FROM event_buckets WHERE count = 0;
END;

CREATE TRIGGER event_changed AFTER UPDATE OF kind, camera, start_us ON events BEGIN
    INSERT INTO event_buckets SELECT length_us, kind, bucket_us, camera, 1 FROM event_places WHERE id = NEW.id
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER event_gone BEFORE DELETE ON events BEGIN
    INSERT INTO event_buckets SELECT length_us, kind, bucket_us, camera, -1 FROM event_places WHERE id = OLD.id
        ON CONFLICT DO UPDATE SET count = count - 1;
    DELETE FROM event_buckets WHERE count = 0;
END;

INSERT INTO recorded_buckets SELECT length_us, bucket_us, camera, sum(recorded_us) FROM clip_pieces GROUP BY 1, 2, 3;
INSERT INTO event_buckets SELECT length_us, kind, bucket_us, camera, count(*) FROM event_places GROUP BY 1, 2, 3, 4;
