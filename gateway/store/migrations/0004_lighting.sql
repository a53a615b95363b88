-- Every version of every programme, as the file that was loaded; the newest of a name has the highest id.
CREATE TABLE light_programme (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    text TEXT NOT NULL,
    loaded_ms INTEGER NOT NULL,
    crc INTEGER NOT NULL
) STRICT;

-- Which programme the lamps of a group shall run.
CREATE TABLE light_group (
    number INTEGER PRIMARY KEY REFERENCES multicast_group ON DELETE CASCADE,
    programme TEXT NOT NULL,
    crc INTEGER NOT NULL
) STRICT;

-- What each lamp has of it, as the text of gateway.lighting.lamps.
CREATE TABLE light_lamp (
    dev_eui BLOB PRIMARY KEY CHECK (length(dev_eui) = 8),
    state TEXT NOT NULL,
    crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What somebody holds: target is a DevEUI in hex, or the number of a group, 0 for the site; level_pct NULL: it ended.
CREATE TABLE light_override (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    target TEXT NOT NULL,
    level_pct INTEGER,
    fade_s INTEGER NOT NULL,
    since_s INTEGER NOT NULL,
    until_s INTEGER NOT NULL,
    source TEXT NOT NULL,
    crc INTEGER NOT NULL
) STRICT;

-- The sun and holidays of the site from a year on, which take a while to work out; one row.
CREATE TABLE light_site (
    place TEXT PRIMARY KEY,
    first_year INTEGER NOT NULL,
    site BLOB NOT NULL,
    crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
