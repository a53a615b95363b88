"""What is done to the node's sources before they are compiled: they do the same, on the same lines, with less."""

import pytest

from boards.firmware.lean import lean
from boards.firmware.shake import shaken

ORDERS = '''"""Orders."""

from .compat import const

DONE = const(0)
FAILED = const(DONE + 7)
WORDS = ("done", "failed")
_LIMIT = const(9)


class Order:
    """An order."""

    def __init__(self, number: int, verb: int) -> None:
        self._number = number
        self.verb = verb

    def outcome(self, tried: bool) -> int:
        return FAILED if tried else DONE
'''
MIND = '''"""Mind."""

from protocol.compat import const
from protocol.orders import (
    DONE,
    FAILED,  # both
    WORDS,
    Order,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_STEP = const(32)


class Mind(Order):
    def judge(self, order: Order, tried: bool = False) -> "Any":
        self._done = order.outcome(tried) == DONE
        each = [lambda word, number=number: (number, word, order) for number in (DONE, FAILED)]
        return WORDS[0] if self._done else f"{FAILED} of {tried}", -FAILED, [one(2) for one in each]
'''


def test_constants_stand_in_place_across_files_and_lines_stay():
    made = lean({"protocol.orders": ORDERS, "firmware.mind": MIND}, keep_definitions=True)
    lines = made["firmware.mind"].splitlines()
    assert lines[3] == "from protocol.orders import FAILED, WORDS, Order"  # FAILED: an f-string needs it
    assert "== 0" in lines[19]
    assert "TYPE_CHECKING" not in made["firmware.mind"]
    assert made["protocol.orders"].count("DONE = const(0)") == 1
    for module, source in (("protocol.orders", ORDERS), ("firmware.mind", MIND)):
        assert len(made[module].splitlines()) == len(source.splitlines())
        assert [n for n, line in enumerate(made[module].splitlines()) if "def " in line] == [
            n for n, line in enumerate(source.splitlines()) if "def " in line
        ]


def test_names_that_nobody_outside_gives_are_short():
    made = lean({"protocol.orders": ORDERS, "firmware.mind": MIND}, known=["outcome"])
    assert "_DONE_ = const(0)" in made["protocol.orders"]
    assert "_number" not in made["protocol.orders"]
    assert "def __init__(self, _0: int, _1: int)" in made["protocol.orders"]
    assert "def outcome(self, _0: bool)" in made["protocol.orders"]
    assert "tried: bool = False" in made["firmware.mind"]  # an f-string has it
    assert "lambda _1, _2=number: (_2, _1, _0)" in made["firmware.mind"]


def test_a_class_and_its_base_in_another_file_do_not_share_short_names():
    made = lean({"protocol.orders": ORDERS, "firmware.mind": MIND})
    number = made["protocol.orders"].split("self.")[1].split(" ")[0]
    done = made["firmware.mind"].split("self.")[1].split(" ")[0]
    assert number[0] == done[0] == "_"
    assert number != done


def test_what_no_line_uses_is_left_out():
    unused = ORDERS + "\n\ndef words():\n    return helper()\n\n\ndef helper():\n    return 1\n"
    made = shaken({"protocol.orders": unused, "firmware.mind": MIND}, {"judge", "Mind"})
    assert "def words" not in made["protocol.orders"]
    assert "def helper" not in made["protocol.orders"]
    assert "def outcome" in made["protocol.orders"]
    assert len(made["protocol.orders"].splitlines()) == len(unused.splitlines())
    for mind, roots in ((MIND, {"words"}), (MIND + "\nX = getattr(orders, 'words')\n", set())):
        kept = shaken({"protocol.orders": unused, "firmware.mind": mind}, roots | {"judge", "Mind", "X"})
        assert "def helper" in kept["protocol.orders"]


def test_nobody_reads_why_the_air_is_refused():
    source = """def f(x):
    if x:
        raise FrameError(
            f"{x} is {words(x)}; expected 0"
        )
    raise KeyError(words)


def words(x):
    return "wrong"


def more(x):
    return words(x)
"""
    made = shaken({"protocol.f": source, "protocol.settings": source, "firmware.f": source}, {"f"})
    assert made["protocol.f"].splitlines()[2] == "        raise FrameError"
    assert made["protocol.f"].splitlines()[5] == "    raise KeyError(words)"
    assert made["protocol.settings"] == made["firmware.f"]
    assert "expected 0" in made["protocol.settings"]
    assert shaken({"protocol.f": source.replace("KeyError(words)", "KeyError")}, {"f"})["protocol.f"].count("def") == 1


def test_imports_for_annotations_alone_go_and_a_package_passes_on_what_is_left():
    sources = {
        "protocol.a": "class A:\n    pass\n\n\ndef b():\n    pass\n",
        "protocol.__init__": "from .a import A as A\nfrom .a import b as b\n",
        "firmware.c": "from protocol import A\n\n\ndef c(a: A) -> A:\n    return a\n",
        "firmware.d": "from protocol import A, b\nfrom protocol.a import b as other\n\nd = A()\n",
    }
    made = shaken(sources, {"c", "d"})
    assert made["protocol.__init__"] == "from .a import A as A\npass\n"
    assert made["firmware.c"].splitlines()[0] == "pass"
    assert made["firmware.d"].splitlines()[:2] == ["from protocol import A", "pass"]


def test_two_constants_of_one_name_in_a_file_are_refused():
    """Put in place by name, one of them would be the other: a sensor asked at another one's address."""
    sources = {f"firmware.{name}": f"AT = const({value})\n" for name, value in (("one", 1), ("two", 2))}
    sources["firmware.both"] = (
        "def a():\n    from .one import AT\n    return AT\n\n\ndef b():\n    from .two import AT\n    return AT\n"
    )
    with pytest.raises(ValueError, match=r"firmware\.both, line 7: AT is 2 here and 1 elsewhere"):
        lean(sources)
