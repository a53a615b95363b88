from firmware.store.crashes import HANG, in_sources, last_error
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


WELDED = """Traceback (most recent call last):
  File "main.py", line 12, in <module>
  File "body", line 40, in turn
  File "core", line 41, in _a
  File "core", line 163, in handle
KeyError: 5
"""
SEAMS = ["body start 0", "core clock 0", "core mac 40", "core mind 40\n", "core node 500\n"]


def test_what_is_welded_has_module_and_line_of_the_sources():
    told = in_sources(WELDED, SEAMS)
    assert told.split("\n")[1:5] == [
        '  File "main.py", line 12, in <module>',
        '  File "start", line 40, in turn',
        '  File "mind", line 1, in _a',
        '  File "mind", line 123, in handle',
    ]
    assert last_error(told) == "mind:123 KeyError"
    assert in_sources(MICROPYTHON, SEAMS) == MICROPYTHON
    assert in_sources('  File "core", line 40', SEAMS) == '  File "clock", line 40'


def test_it_always_fits_a_status():
    assert last_error("") == ""
    assert last_error("OSError: [Errno 5] EIO") == "OSError"
    assert last_error('  File "é.py", line 1, in f\n' + "É" * 30) == "é:1 " + "É" * 7
    assert last_error('  File "') == ": "
    assert len(HANG) <= MAX_ERROR_TEXT
