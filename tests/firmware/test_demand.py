"""Modules that are loaded for one call: they go, they come back, and a name of one that was never there is no harm."""

import sys

from firmware.demand import MODULES, forget
from firmware.events import Downlink

from .test_mac_groups import group_frame, heard, lamp, send


def test_forgotten_modules_are_loaded_again_when_they_are_needed():
    kept = {name: sys.modules[name] for name in MODULES if name in sys.modules}
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


def test_a_package_goes_after_its_modules():
    for place, name in enumerate(MODULES):
        assert not [later for later in MODULES[place:] if later.startswith(name + ".")], name
