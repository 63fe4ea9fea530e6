-- What the owner says of topics, topics that nobody has said anything of, and what tells a camera from an impostor.

ALTER TABLE events ADD COLUMN mapped_from TEXT; -- the kind by the makers' table, where the owner has said another one

CREATE TABLE topic_map (
    topic TEXT PRIMARY KEY NOT NULL COLLATE NOCASE,
    kind  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE unknown_topics (
    camera  TEXT NOT NULL REFERENCES cameras (id),
    topic   TEXT NOT NULL COLLATE NOCASE,
    data    TEXT NOT NULL,                -- names and values of the last message, JSON
    count   INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    PRIMARY KEY (camera, topic)
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
    camera TEXT PRIMARY KEY NOT NULL REFERENCES cameras (id),
    serial TEXT NOT NULL                  -- as the camera said after it had accepted the password
) STRICT, WITHOUT ROWID;

CREATE TABLE motion (
    camera   TEXT PRIMARY KEY NOT NULL REFERENCES cameras (id),
    settings TEXT NOT NULL                -- how motion is measured in its pictures, JSON
) STRICT, WITHOUT ROWID;
