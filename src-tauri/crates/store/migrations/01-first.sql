-- Times are microseconds since 1970 in UTC, ids sixteen hexadecimal digits.
-- "Sealed" columns are age files; without a person's key they are noise.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE people (
    id         TEXT PRIMARY KEY NOT NULL,
    owner      INTEGER NOT NULL,
    color      INTEGER NOT NULL,
    recipient  TEXT NOT NULL,             -- age1…
    name_tag   BLOB NOT NULL UNIQUE,      -- HMAC of the name: finds a person who signs in
    name_owner BLOB NOT NULL,             -- sealed to the owner
    name_self  BLOB NOT NULL,             -- sealed to the person
    added_us   INTEGER NOT NULL
) STRICT;

CREATE TABLE cameras (
    id         TEXT PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    endpoint   TEXT NOT NULL,             -- WS-Discovery endpoint, or the address
    xaddr      TEXT NOT NULL,             -- device service that answered
    maker      TEXT NOT NULL,
    model      TEXT NOT NULL,
    firmware   TEXT NOT NULL,
    demo       INTEGER NOT NULL,
    main_uri   TEXT NOT NULL,
    sub_uri    TEXT,
    sign_in    BLOB NOT NULL,             -- user and password, sealed to this computer
    added_us   INTEGER NOT NULL,
    removed_us INTEGER                    -- kept as a row, for the names in the log
) STRICT;

CREATE TABLE parts (                      -- clips being written; what is left here after a crash is recovered
    clip       TEXT PRIMARY KEY NOT NULL,
    camera     TEXT NOT NULL REFERENCES cameras (id),
    start_us   INTEGER NOT NULL,
    owner_wrap BLOB NOT NULL,
    recipient  TEXT NOT NULL              -- of the clip key, for wraps and the thumbnail
) STRICT;

CREATE TABLE clips (
    id          TEXT PRIMARY KEY NOT NULL,
    camera      TEXT NOT NULL REFERENCES cameras (id),
    start_us    INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    size_bytes  INTEGER NOT NULL,
    plain_bytes INTEGER NOT NULL,
    sha256      BLOB NOT NULL,            -- of the sealed file
    cut_short   INTEGER NOT NULL,
    codec       TEXT NOT NULL,
    width       INTEGER NOT NULL,
    height      INTEGER NOT NULL,
    fragments   BLOB NOT NULL,            -- 24 bytes each: start_us, offset, length and key flag
    thumbnail   BLOB,                     -- sealed to the clip key
    entry       INTEGER NOT NULL,
    erasing     INTEGER NOT NULL DEFAULT 0 -- wraps are gone, the file may still be there
) STRICT;
CREATE INDEX clips_by_time ON clips (start_us);
CREATE INDEX clips_by_camera ON clips (camera, start_us);

CREATE TABLE grants (
    id            TEXT PRIMARY KEY NOT NULL,
    person        TEXT NOT NULL REFERENCES people (id),
    scope         TEXT NOT NULL,          -- clip, span, camera
    clip          TEXT,
    camera        TEXT NOT NULL REFERENCES cameras (id),
    from_us       INTEGER,
    to_us         INTEGER,
    given_us      INTEGER NOT NULL,
    until_us      INTEGER,
    reason        BLOB NOT NULL,          -- sealed to the owner
    entry         INTEGER NOT NULL,
    ended_us      INTEGER
) STRICT;
CREATE INDEX grants_by_person ON grants (person);

CREATE TABLE wraps (
    clip       TEXT NOT NULL REFERENCES clips (id),
    grant_id   TEXT REFERENCES grants (id),  -- NULL: the owner's
    wrap       BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX wraps_by_clip ON wraps (clip, ifnull(grant_id, ''));
CREATE INDEX wraps_by_grant ON wraps (grant_id);

CREATE TABLE events (
    id       TEXT PRIMARY KEY NOT NULL,
    camera   TEXT NOT NULL REFERENCES cameras (id),
    kind     TEXT NOT NULL,
    topic    TEXT NOT NULL,
    start_us INTEGER NOT NULL,
    end_us   INTEGER                      -- NULL: still going on
) STRICT;
CREATE INDEX events_by_time ON events (start_us);
CREATE INDEX events_by_camera ON events (camera, start_us);

CREATE TABLE entries (
    idx       INTEGER PRIMARY KEY NOT NULL,
    at_us     INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    actor     TEXT,                       -- NULL: this computer
    camera    TEXT,
    clip      TEXT,                       -- forgotten when the clip is erased
    person    TEXT,
    grant_id  TEXT,
    refers_to INTEGER,
    leaf      BLOB NOT NULL,              -- what the tree hashes
    personal  BLOB                        -- personal fields with their salts, sealed to the owner
) STRICT;
CREATE INDEX entries_by_kind ON entries (kind, idx);
CREATE INDEX entries_by_camera ON entries (camera, idx);
CREATE INDEX entries_by_clip ON entries (clip, kind) WHERE clip IS NOT NULL;
CREATE INDEX entries_by_actor ON entries (actor, idx);
CREATE INDEX entries_by_person ON entries (person, idx) WHERE person IS NOT NULL;

CREATE TABLE hashes (                     -- the tree, in the order of tlog's stored hashes
    position INTEGER PRIMARY KEY NOT NULL,
    hash     BLOB NOT NULL
) STRICT;

CREATE TABLE checkpoints (
    size  INTEGER PRIMARY KEY NOT NULL,
    at_us INTEGER NOT NULL,
    note  TEXT NOT NULL                   -- signed note
) STRICT;

CREATE TABLE releases (                   -- when a key was released after its entry was durable
    entry       INTEGER PRIMARY KEY NOT NULL,
    released_us INTEGER NOT NULL
) STRICT;
