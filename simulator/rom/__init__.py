"""The boot loader in an ESP32's and ESP32-S3's ROM, for the real esptool: on a pseudo-terminal, with its cable."""
