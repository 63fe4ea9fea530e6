-- What is kept of a camera so that it can be controlled.

ALTER TABLE cameras ADD COLUMN main_token TEXT;   -- profile that is recorded; NULL: chosen by size
ALTER TABLE cameras ADD COLUMN sub_token TEXT;    -- profile for tiles
ALTER TABLE cameras ADD COLUMN certificate BLOB;  -- SHA-256 of the certificate; NULL: never seen encrypted
ALTER TABLE cameras ADD COLUMN own_level TEXT;    -- level of the account in use if Hausrecht made it

CREATE TABLE intended_sign_ins (          -- a sign-in on its way into the camera; what is left here is tried at the next start
    camera    TEXT PRIMARY KEY NOT NULL REFERENCES cameras (id),
    sign_in   BLOB NOT NULL,              -- user and password, sealed to this computer
    own_level TEXT
) STRICT;

CREATE TABLE preset_pictures (
    camera  TEXT NOT NULL REFERENCES cameras (id),
    token   TEXT NOT NULL,                -- the camera's id of the preset
    picture BLOB NOT NULL,                -- JPEG, sealed to the owner
    PRIMARY KEY (camera, token)
) STRICT, WITHOUT ROWID;
