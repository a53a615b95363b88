"""The log: bounded per kind, a line is a line, and the journal knows how bad it is."""

import logging

from gateway.operate.logs import KINDS_MAX, PER_MINUTE, OneLine, RateLimit, set_up


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def record(message: str, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("gateway.network", level, __file__, 1, message, (), None)
    for name, value in extra.items():
        setattr(made, name, value)
    return made


def test_a_flood_of_one_kind_leaves_room_for_the_others_and_begins_anew_each_minute():
    clock = Clock()
    limit = RateLimit(clock)
    passed = [limit.filter(record(f"refused {at}", kind="wrong_mic")) for at in range(100)]
    assert sum(passed) == PER_MINUTE
    assert limit.filter(record("refused", kind="replayed"))
    clock.now = 60.0
    assert limit.filter(record("refused", kind="wrong_mic"))


def test_the_last_line_says_that_more_are_kept_back():
    limit = RateLimit(Clock())
    last = [made for made in (record("x", kind="k") for _ in range(PER_MINUTE)) if limit.filter(made)][-1]
    assert "are counted, not written" in last.getMessage()


def test_an_alarm_that_is_raised_at_every_commit_is_bounded_and_hides_no_other():
    limit = RateLimit(Clock())

    def alarm(name: str) -> logging.LogRecord:
        made = record("%s%s: %s", logging.WARNING)
        made.args = (name, "", "detail")
        return made

    assert sum(limit.filter(alarm("store_failed")) for _ in range(1000)) == PER_MINUTE
    assert limit.filter(alarm("silent"))


def test_errors_always_pass_and_the_table_of_kinds_stays_small():
    limit = RateLimit(Clock())
    assert all(limit.filter(record("bad", logging.ERROR)) for _ in range(1000))
    passed = [limit.filter(record(f"kind {at}")) for at in range(10 * KINDS_MAX)]
    assert sum(passed) == KINDS_MAX + PER_MINUTE


def test_nobody_can_begin_a_line_of_his_own_or_colour_the_terminal():
    text = OneLine("%(message)s").format(record("name 'a\nERROR forged\x1b[31m'"))
    assert text == "name 'a ERROR forged\N{REPLACEMENT CHARACTER}[31m'"


def test_the_journal_gets_the_priority_and_a_terminal_the_time(monkeypatch, capsys):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        monkeypatch.setenv("JOURNAL_STREAM", "8:1")
        set_up()
        logging.getLogger("gateway.x").warning("dev_eui=%s", "00")
        logging.getLogger("gateway.x").debug("not this")
        assert capsys.readouterr().err == "<4>gateway.x: dev_eui=00\n"
        monkeypatch.delenv("JOURNAL_STREAM")
        set_up()
        logging.getLogger("gateway.x").info("hello")
        assert capsys.readouterr().err.endswith(" INFO gateway.x: hello\n")
    finally:
        root.handlers[:], root.level = before
