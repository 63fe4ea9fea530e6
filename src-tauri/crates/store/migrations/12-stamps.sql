CREATE TABLE stamps (
    size      INTEGER PRIMARY KEY NOT NULL, -- entries that the checkpoint covers
    time_us   INTEGER NOT NULL,             -- by the authority's clock
    authority TEXT NOT NULL,                -- where it answers
    note      TEXT NOT NULL,                -- the checkpoint
    token     BLOB NOT NULL                 -- the authority's answer, DER (RFC 3161, 2.4.2)
) STRICT;
