-- Walls that people have arranged for themselves, and how they like the window.

CREATE TABLE walls (
    id      TEXT PRIMARY KEY NOT NULL,
    person  TEXT NOT NULL REFERENCES people (id),
    name    TEXT NOT NULL,
    layout  TEXT NOT NULL,                -- grid and tiles, JSON
    made_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX walls_by_person ON walls (person, made_us);

CREATE TABLE view_settings (
    person   TEXT PRIMARY KEY NOT NULL REFERENCES people (id),
    settings TEXT NOT NULL                -- JSON
) STRICT, WITHOUT ROWID;
