-- Who may speak. Rows are never deleted: records refer to their numbers for years.
CREATE TABLE device (
    device INTEGER PRIMARY KEY,
    dev_eui BLOB NOT NULL CHECK (length(dev_eui) = 8),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    join_eui BLOB NOT NULL CHECK (length(join_eui) = 8),
    app_key BLOB,
    gen_app_key BLOB,
    abp_dev_addr INTEGER,
    abp_nwk_s_key BLOB,
    abp_app_s_key BLOB,
    class_c INTEGER NOT NULL,
    plan INTEGER NOT NULL,
    min_dr INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    crc INTEGER NOT NULL,
    last_key BLOB -- of a removed device: a hash that tells whether it comes back with the same AppKey
) STRICT;
CREATE UNIQUE INDEX device_dev_eui ON device (dev_eui);
CREATE UNIQUE INDEX device_name ON device (name) WHERE name <> '' AND NOT removed;

-- state: 0 over, kept for its nonces; 1 the current one; 2 answered, not heard yet.
CREATE TABLE session (
    device INTEGER NOT NULL REFERENCES device,
    number INTEGER NOT NULL,
    state INTEGER NOT NULL,
    dev_addr INTEGER NOT NULL,
    nwk_s_key BLOB NOT NULL,
    app_s_key BLOB NOT NULL,
    dev_nonce INTEGER NOT NULL,
    join_nonce INTEGER NOT NULL,
    rx_delay_s INTEGER NOT NULL,
    rx1_dr_offset INTEGER NOT NULL,
    rx2_dr INTEGER NOT NULL,
    f_cnt_up INTEGER NOT NULL,
    f_cnt_down INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (device, number)
) STRICT, WITHOUT ROWID;

-- What changes with every uplink, in rows as small as can be: a commit writes whole pages.
CREATE TABLE counter (
    device INTEGER PRIMARY KEY REFERENCES device,
    f_cnt_up INTEGER NOT NULL,
    f_cnt_down INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    log TEXT,
    log_crc INTEGER
) STRICT;

CREATE TABLE multicast_group (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    mc_addr INTEGER NOT NULL UNIQUE,
    mc_key BLOB NOT NULL CHECK (length(mc_key) = 16),
    f_cnt_down INTEGER NOT NULL,
    freq_hz INTEGER NOT NULL,
    dr INTEGER NOT NULL,
    crc INTEGER NOT NULL
) STRICT;
CREATE TABLE group_member (
    number INTEGER NOT NULL REFERENCES multicast_group ON DELETE CASCADE,
    dev_eui BLOB NOT NULL CHECK (length(dev_eui) = 8),
    PRIMARY KEY (number, dev_eui)
) STRICT, WITHOUT ROWID;

CREATE TABLE place (
    place_id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    zone TEXT NOT NULL,
    name TEXT NOT NULL,
    latitude_deg REAL,
    longitude_deg REAL
) STRICT, WITHOUT ROWID;
CREATE TABLE installed (
    place_id TEXT NOT NULL REFERENCES place,
    from_ms INTEGER NOT NULL,
    dev_eui BLOB NOT NULL CHECK (length(dev_eui) = 8),
    instance INTEGER NOT NULL,
    to_ms INTEGER,
    PRIMARY KEY (place_id, from_ms, dev_eui, instance)
) STRICT, WITHOUT ROWID;

-- The append-only table of records is the outbox. No second index: it would double what the card bears.
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    device INTEGER,
    epoch INTEGER,
    seq INTEGER,
    received_ms INTEGER NOT NULL,
    boot INTEGER,
    observed_ms INTEGER,
    time_error_s INTEGER,
    content BLOB NOT NULL,
    crc INTEGER NOT NULL
) STRICT;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    boot INTEGER,
    session INTEGER NOT NULL,
    f_cnt INTEGER NOT NULL,
    f_port INTEGER NOT NULL,
    payload BLOB NOT NULL,
    reason TEXT NOT NULL
) STRICT;

-- Named as in gateway.store.writes.KeepOrder.
CREATE TABLE node_order (
    id INTEGER PRIMARY KEY,
    target_device INTEGER,
    target_group INTEGER,
    wire_id INTEGER NOT NULL,
    verb TEXT NOT NULL,
    description TEXT NOT NULL,
    payload BLOB NOT NULL,
    source TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    expiry_gps_s INTEGER NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    tries INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;

-- One row: no id up to this one is given to a new order.
CREATE TABLE order_floor (
    id INTEGER NOT NULL
) STRICT;

-- How far each publisher is: every record up to delivered_id has left or is parked; the rest is its own text.
CREATE TABLE cursor (
    publisher TEXT PRIMARY KEY,
    delivered_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE parked (
    publisher TEXT NOT NULL,
    record_id INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    reason TEXT NOT NULL,
    parked_ms INTEGER NOT NULL,
    PRIMARY KEY (publisher, record_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE boot (
    boot INTEGER PRIMARY KEY,
    floor_ms INTEGER NOT NULL,
    offset_ms INTEGER
) STRICT;
