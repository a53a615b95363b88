"""`lampyre gateway light` as an operator types it, beside a stopped gateway and with one that runs."""

import contextlib
import json

import pytest

from gateway.config.load import load_config
from tests.gateway.api.stations import Running
from tests.gateway.lighting.samples import RUE
from tests.gateway.test_cli import KEY, OTHER_KEY, config_in, no, ok

LAMPS = ["70b3d57ed0060001", "70b3d57ed0060002"]
CSV = "dev_eui;role;name;app_key;gen_app_key\n" + "".join(
    f"{lamp};light;lamp {number};{KEY[:-1]}{number};{OTHER_KEY[:-1]}{number}\n" for number, lamp in enumerate(LAMPS)
)


@pytest.fixture(name="config", scope="module")
def _config(tmp_path_factory):
    """A gateway with a street of two lamps; what the tests do to it is theirs to mind."""
    folder = tmp_path_factory.mktemp("street")
    config = config_in(folder, '[clock]\ntrust = "always"\n').path
    (folder / "street.csv").write_text(CSV, encoding="utf-8")
    (folder / "rue.toml").write_text(RUE, encoding="utf-8")
    ok("devices", "import", folder / "street.csv", config=config)
    ok("groups", "set", "rue-a", *LAMPS, config=config)
    return config


@contextlib.contextmanager
def running(config):
    """A gateway behind its socket, whose lighting hears what is held."""
    with Running(load_config(config)) as gateway:
        gateway.station.light._change = lambda change: change(gateway.station._core())
        yield


def test_a_file_is_checked_without_a_gateway(config):
    folder = config.parent
    said = ok("light", "programme", "check", folder / "rue.toml", config=config)
    assert said.stdout.startswith("rue: version ")
    assert said.stdout.endswith("2 frames, 0 events\n")
    wrong = folder / "wrong.toml"
    wrong.write_text(RUE.replace("sunset", "sunste"), encoding="utf-8")
    assert f"{wrong}: [[nights]] number 1, step 1: at is 'sunste'" in no(
        1, "light", "programme", "check", wrong, config=config
    )
    assert "No such file" in no(1, "light", "programme", "check", folder / "nowhere.toml", config=config)


def test_the_example_can_be_checked(config):
    path = config.parent / "example.toml"
    path.write_text(ok("light", "programme", "example").stdout, encoding="utf-8")
    assert ok("light", "programme", "check", path, config=config).stderr == ""


def test_a_street_from_its_programme_to_a_scene(config):
    path = config.parent / "rue.toml"
    said = ok("light", "programme", "load", path, "--group", "rue-a", config=config)
    assert "rue-a, 2 lamps: 6 frames, " in said.stderr
    assert "the gateway is stopped; lamps get it once it runs" in said.stderr
    assert "is stopped, and only while it runs lamps are told" in no(1, "light", "set", "rue-a=50", config=config)
    with running(config):
        assert ok("light", "programme", "show", "rue", config=config).stdout == RUE
        assert "rue-a" in ok("light", "programme", "list", config=config).stdout
        held = ok("light", "set", "rue-a=50", f"{LAMPS[0]}=10", "--for", "90min", "--fade", "5", config=config)
        assert "rue-a: 3 frames, " in held.stderr
        assert [line.split()[:2] for line in held.stdout.splitlines()[1:]] == [["rue-a", "50"], [LAMPS[0], "10"]]
        why = ok("light", "explain", LAMPS[1], config=config).stdout
        assert "50 %  by manual, override 1 by cli" in why
        assert "alone it would be at 100 %, with the programme that it shall get at " in why
        row = json.loads(ok("light", "explain", LAMPS[0], "--json", config=config).stdout)
        assert (row["level_pct"], row["rule"]) == (10, "manual")
        [group] = [json.loads(line) for line in ok("light", "groups", "--json", config=config).stdout.splitlines()]
        assert (group["programme"], group["have_it"], group["held_pct"]) == ("rue", 0, 50)
        assert len(ok("light", "who", "--missing", "--json", config=config).stdout.splitlines()) == 2
        ok("light", "resume", "rue-a", LAMPS[0], config=config)
        assert "by no_programme" in ok("light", "explain", LAMPS[0], config=config).stdout
        assert "below the floor of 30 %" in no(1, "light", "set", "rue-a=20", config=config)
    assert "by no_programme" in ok("light", "explain", LAMPS[1], config=config).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("set", "rue-a"), "'rue-a' is no target with a level; write TARGET=PERCENT, as rue-a=40"),
        (("set", "rue-a=much"), "'rue-a=much' is no target with a level"),
        (("set", "rue-a=50", "--for", "a while"), "--for is 'a while'; write how long, as 90min or 2h"),
        (("explain", LAMPS[0], "--at", "tonight"), "'tonight' is no time"),
    ],
)
def test_what_cannot_be_meant_is_said(config, arguments, says):
    assert says in no(2, "light", *arguments, config=config)
