-- What lighting knows of a lamp between two readings: what it learned, counted and doubts; its own text.
CREATE TABLE lamp_state (
    device INTEGER PRIMARY KEY REFERENCES device,
    state TEXT NOT NULL,
    crc INTEGER NOT NULL
) STRICT;

-- The work list, and what is done of it. over_ms NULL: still there.
CREATE TABLE lamp_fault (
    device INTEGER NOT NULL REFERENCES device,
    head INTEGER NOT NULL,
    kind TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    over_ms INTEGER,
    evidence TEXT NOT NULL,
    PRIMARY KEY (device, head, kind, since_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE feeder_outage (
    feeder TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    cause TEXT NOT NULL,
    over_ms INTEGER,
    lamps INTEGER NOT NULL,
    known INTEGER NOT NULL,
    gasps INTEGER NOT NULL,
    others_heard INTEGER NOT NULL,
    PRIMARY KEY (feeder, since_ms, cause)
) STRICT, WITHOUT ROWID;

-- What each lamp post took in each night: what an energy contract is settled by.
CREATE TABLE lamp_night (
    night INTEGER NOT NULL,
    device INTEGER NOT NULL REFERENCES device,
    heads INTEGER NOT NULL,
    energy_wh REAL NOT NULL,
    reckoned_wh REAL NOT NULL,
    lit_s INTEGER NOT NULL,
    covered_s INTEGER NOT NULL,
    dark_s INTEGER NOT NULL,
    full_wh REAL,
    switches INTEGER NOT NULL,
    operating_h INTEGER,
    switch_count INTEGER,
    PRIMARY KEY (night, device)
) STRICT, WITHOUT ROWID;
