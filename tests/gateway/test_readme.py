"""The operator's page is exact: its commands are taken, its rows can be read, its names exist."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.api import routes
from gateway.cli import app
from gateway.config.load import _SECTIONS
from gateway.operate.importing import parse_csv
from gateway.outlet import order_form

GATEWAY = Path(__file__).parents[2] / "gateway"
TEXT = (GATEWAY / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```\n(.*?)```", TEXT, re.DOTALL)


def commands() -> list[str]:
    """All of `lampyre gateway …` on the page, and what stands in backquotes behind the name of a group."""
    lines = [line.partition("  #")[0] for block in BLOCKS for line in block.splitlines()]
    typed = [part for line in lines for part in re.split(r"&&|\|", line) if "lampyre gateway" in part]
    inline = re.findall(r"`((?:devices|places|groups|order|uplinks|support-bundle)(?: [^`]*)?)`", TEXT)
    inline += [text.removeprefix("lampyre gateway ") for text in re.findall(r"`(lampyre gateway [^`]*)`", TEXT)]
    return sorted({part.partition("lampyre gateway")[2].strip() for part in typed} | set(inline))


@pytest.mark.parametrize("command", commands())
def test_every_command_on_the_page_exists_with_its_options(command):
    words = shlex.split(command.replace("…", ""))
    if words == ["--help"]:
        words = []
    path = []
    while words and re.fullmatch(r"[a-z-]+", words[0]) and len(path) < 3 and not words[0].startswith("-"):
        path.append(words.pop(0))
    for depth in (3, 2, 1):
        result = CliRunner().invoke(app, [*path[:depth], "--help"], env={"COLUMNS": "300"})
        if result.exit_code == 0:
            break
    assert result.exit_code == 0, command
    for word in words:
        if word.startswith("--"):
            assert re.search(rf"{re.escape(word)}\b", result.stdout), f"{command}: no option {word}"


def test_there_are_commands_on_the_page():
    assert len(commands()) > 15


def test_the_rows_on_the_page_can_be_read():
    [block] = [block for block in BLOCKS if block.startswith("dev_eui;role")]
    for number in range(3):
        block = block.replace("<32 hex digits>", f"9f8e7d6c5b4a39281706f5e4d3c2b1{number:02x}", 1)
    batch = parse_csv(block.encode(), 0)
    assert batch.faults == ()
    assert len(batch.registrations) == len(batch.places) == 2


def test_the_order_on_the_page_for_consumers_is_taken():
    page = (GATEWAY / "publish" / "README.md").read_text(encoding="utf-8").partition("## Orders")[2]
    form = order_form(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0].encode())
    assert (form.verb, form.source) == ("set_level", "mqtt fete-2026")
    assert form.arguments == {"level_pct": 40, "hold_s": 3600}


def test_every_section_of_the_configuration_has_a_row():
    for section in _SECTIONS:
        assert re.search(rf"`\[+{section}(\.NAME)?\]+`", TEXT), section


def test_every_route_has_a_row():
    for route in routes._ROUTES:
        assert route.removesuffix("/*") in TEXT, route


def test_every_alarm_on_the_page_is_one_that_is_raised():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in GATEWAY.rglob("*.py"))
    named = re.findall(r"`([a-z_]+)`", TEXT.partition("## What alarms mean")[2].partition("`support-bundle` packs")[0])
    alarms = {name for name in named if "_" in name or name in ("silent", "deleted")} - {"max_disk_mb"}
    assert len(alarms) > 10
    for alarm in alarms:
        assert f'"{alarm}"' in sources, alarm
    raised = set(re.findall(r'(?:Alarm\(name=|_told\(|Note\()\s*"([a-z_]+)"', sources))
    quiet = {"broker_connected", "broker_accepts", "read_failed", "order_not_kept", "order_refused"}
    assert raised - alarms <= quiet, "an operator would look for these on the page"
