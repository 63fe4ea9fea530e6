-- What comes from the cards in cameras.

ALTER TABLE parts ADD COLUMN from_card INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clips ADD COLUMN from_card INTEGER NOT NULL DEFAULT 0; -- recorded by the camera, fetched later

CREATE TABLE card_jobs (                  -- fetches under way; what is left here is gone on with at the next start
    id        TEXT PRIMARY KEY NOT NULL,
    camera    TEXT NOT NULL REFERENCES cameras (id),
    recording TEXT NOT NULL,              -- the camera's id of it
    from_us   INTEGER NOT NULL,
    to_us     INTEGER NOT NULL,
    asked_by  TEXT                        -- the person; NULL: a gap that is filled by itself
) STRICT, WITHOUT ROWID;

CREATE TABLE gap_filling (                -- cameras whose gaps are filled by themselves
    camera   TEXT PRIMARY KEY NOT NULL REFERENCES cameras (id),
    since_us INTEGER NOT NULL             -- gaps that ended before were looked at
) STRICT, WITHOUT ROWID;
