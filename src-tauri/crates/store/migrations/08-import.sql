-- What was imported from files that something else recorded.

ALTER TABLE cameras ADD COLUMN imported INTEGER NOT NULL DEFAULT 0; -- no camera, but a source of imported clips

CREATE TABLE imports (
    id         TEXT PRIMARY KEY NOT NULL,
    source     TEXT NOT NULL REFERENCES cameras (id),
    sha256     BLOB NOT NULL,             -- of the original
    size_bytes INTEGER NOT NULL,
    start_us   INTEGER NOT NULL,
    entry      INTEGER NOT NULL,          -- said that it begins
    ended_us   INTEGER                    -- NULL: still going on, or ended by a crash
) STRICT, WITHOUT ROWID;
CREATE INDEX imports_by_size ON imports (size_bytes);
