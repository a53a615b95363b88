"""The chips on a node's board, down to the bytes on their buses; for CPython and MicroPython alike.

Each is written from its datasheet, quotes the sections that it enforces, and says what it does not model. What a
datasheet forbids and silicon lets pass is noted in the chip's `breaches`: a test that ends with any has found a bug.
"""
