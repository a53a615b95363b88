from firmware.store.crashes import HANG, last_error
from protocol.telemetry import MAX_ERROR_TEXT

# As MicroPython 1.27 prints it (sys.print_exception), and as CPython 3.11 does.
MICROPYTHON = """Traceback (most recent call last):
  File "main.py", line 12, in <module>
  File "firmware/mind.py", line 123, in handle
KeyError: 5
"""
CPYTHON = """Traceback (most recent call last):
  File "/a/main.py", line 12, in <module>
    run()
  File "firmware/mind.py", line 123, in handle
    return self._log[5]
           ~~~~~~~~~^^^
KeyError: 5
"""


def test_the_place_and_the_name():
    assert last_error(MICROPYTHON) == "mind:123 KeyError"
    assert last_error(CPYTHON) == "mind:123 KeyError"
    assert last_error('  File "<stdin>", line 1\nMemoryError') == "<stdin>:1 MemoryErro"


def test_it_always_fits_a_status():
    assert last_error("") == ""
    assert last_error("OSError: [Errno 5] EIO") == "OSError"
    assert last_error('  File "é.py", line 1, in f\n' + "É" * 30) == "é:1 " + "É" * 7
    assert last_error('  File "') == ": "
    assert len(HANG) <= MAX_ERROR_TEXT
