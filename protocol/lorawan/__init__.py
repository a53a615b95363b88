"""LoRaWAN 1.0.4 (TS001) as bytes: identities, frames, keys, counters and MAC commands."""
