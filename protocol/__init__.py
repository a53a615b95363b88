"""What both ends of the air agree on: LoRaWAN, CBOR telemetry and orders, dimming programmes, envelopes.

Pure code that runs unchanged on MicroPython and CPython: bytes in, values out, no clock, no I/O, no floats.
"""
