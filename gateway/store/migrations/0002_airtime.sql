-- What each radio has sent within the last hour, as the text of gateway.network.airtime.
CREATE TABLE airtime (
    radio TEXT PRIMARY KEY,
    sent TEXT NOT NULL,
    crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
