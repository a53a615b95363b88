"""The virtual board: unmodified firmware on real MicroPython, with a simulated ESP32 and its chips around it."""
