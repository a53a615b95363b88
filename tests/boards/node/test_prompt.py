"""MicroPython's prompt, which may be somebody else's board with anything on it."""

import pytest

from boards.catalogue.known import load
from boards.causes import BoardError, Cause
from boards.node.prompt import open_prompt
from tests.boards.bench import Bench, BenchClock
from tests.boards.desk import IMAGE


@pytest.fixture(name="prompt", scope="module")
def _prompt():
    with Bench() as bench:
        device = bench.device(9, load("heltec-v3").table("parking"), image=IMAGE)
        device.flash.write(0, IMAGE)
        device.plug()
        with open_prompt(device.path, BenchClock(bench)) as prompt:
            yield prompt


def test_what_code_prints_comes_back_as_it_is(prompt):
    assert prompt.run("print('caf\\xe9')\nprint(6*7)") == "café\n42\n"
    assert prompt.run("pass") == ""


def test_an_exception_is_told_by_its_last_line(prompt):
    with pytest.raises(BoardError) as caught:
        prompt.run("print(1)\n1//0")
    assert caught.value.cause is Cause.BOARD_FAILED
    assert caught.value.facts["detail"] == "ZeroDivisionError: divide by zero"


def test_an_answer_that_does_not_end_takes_no_more_memory(prompt):
    with pytest.raises(BoardError) as caught:
        prompt.run("import time\nfor _ in range(1000):\n print('x'*98)\n time.sleep_ms(5)")
    assert caught.value.cause is Cause.NOISE
    assert caught.value.facts["detail"] == "more than 65536 bytes in one answer"
