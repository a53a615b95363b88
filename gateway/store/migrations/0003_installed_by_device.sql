-- Where a device hangs now: asked for each one that is installed, and a street is a thousand at once.
CREATE INDEX installed_now ON installed (dev_eui) WHERE to_ms IS NULL;
