"""The LoRaWAN network server: from a frame on a link to what it means."""
