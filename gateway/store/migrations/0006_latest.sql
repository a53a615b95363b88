-- Of a boot that never knew the time: when the first one after it that did began. So its records are dated once.
ALTER TABLE boot ADD COLUMN latest_ms INTEGER;
