"""Modules that are loaded for one call: they go, they come back, and a name of one that was never there is no harm."""

import sys

from firmware.demand import MODULES, OF_START, forget
from firmware.events import Downlink

from .test_mac_groups import group_frame, heard, lamp, send

NAMES = MODULES.split()


def test_forgotten_modules_are_loaded_again_when_they_are_needed():
    kept = {name: sys.modules[name] for name in NAMES if name in sys.modules}
    city = lamp()
    try:
        send(city, group_frame(0))
        forget()
        assert "firmware.groups" not in sys.modules
        assert not hasattr(sys.modules["firmware"], "groups")
        send(city, group_frame(1))
        forget()
        forget()
        assert [payload for _, payload, _ in heard(city)] == [b"dim", b"dim"]
        assert len(city.events(Downlink)) == 2
    finally:
        sys.modules.update(kept)
        for name in kept:
            package, _, last = name.rpartition(".")
            setattr(sys.modules[package], last, kept[name])


def test_modules_of_functions_on_demand_go_and_nobody_elses():
    sys.modules["firmware.events_"] = sys.modules["other.events_"] = sys.modules["firmware.events"]
    sys.modules["firmware"].events_ = sys.modules["firmware.events"]
    try:
        forget(OF_START)
        assert "firmware.events_" in sys.modules
        forget()
        assert "firmware.events_" not in sys.modules
        assert not hasattr(sys.modules["firmware"], "events_")
        assert "other.events_" in sys.modules
        assert "firmware.events" in sys.modules
    finally:
        del sys.modules["other.events_"]


def test_a_package_goes_after_its_modules():
    for place, name in enumerate(NAMES):
        assert not [later for later in NAMES[place:] if later.startswith(name + ".")], name


def test_what_the_start_alone_needs_is_among_what_goes():
    assert [name for name in OF_START.split() if name not in NAMES] == []
