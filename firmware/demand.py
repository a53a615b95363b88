"""What is loaded on demand, and how it goes again: code that normal running does without for hours.

The rule: nothing of such a module outlives the call that imported it but plain data, tuples, numbers, bytes and objects
of modules that stay. Whoever needs one imports it inside the function; so a class of it that was loaded twice is two
classes, and an object of the first is no instance of the second.
"""

import sys

# A package goes after its modules.
MODULES = (
    "firmware.asleep",
    "firmware.body.birth",
    "firmware.body.board",
    "firmware.body.desk",
    "firmware.body.falling",
    "firmware.body.selftest",
    "firmware.body.showing",
    "firmware.body.trial",
    "firmware.body.whole",
    "firmware.body.wiring",
    "firmware.boot",
    "firmware.commands",
    "firmware.groups",
    "firmware.hearing",
    "firmware.joining",
    "firmware.orders",
    "firmware.recall",
    "firmware.roles.loading",
    "firmware.roles.night",
    "firmware.roles.obeying",
    "firmware.roles.outlook",
    "firmware.roles.rarely",
    "firmware.starting",
    "firmware.store.slots",
    "protocol.civil",
    "protocol.dimming.programme",
    "protocol.dimming.setpoint",
    "protocol.dimming.site",
    "protocol.dimming.sun",
    "protocol.dimming",
    "protocol.lorawan.eui",
    "protocol.lorawan.join",
    "protocol.lorawan.mac_commands",
    "protocol.lorawan.multicast",
    "protocol.manifest",
    "protocol.orders",
    "protocol.quantity_table",
    "protocol.settings",
)

_OURS = ("firmware.", "protocol.")
# Of the start alone. What follows a glance is the sleep, for which the rest would only be loaded again.
OF_START = (
    "firmware.body.birth",
    "firmware.body.board",
    "firmware.body.selftest",
    "firmware.body.wiring",
    "protocol.lorawan.eui",
    "protocol.settings",
)


def forget(names: tuple[str, ...] = MODULES) -> None:
    """Let the collector have them; the body calls it when nothing is due for a while."""
    for name in names:
        if name in sys.modules:
            _drop(name)
    if names is not MODULES:
        return
    for name in [name for name in sys.modules if name[-1] == "_" and name[:9] in _OURS]:  # of functions on demand
        _drop(name)


def _drop(name: str) -> None:
    del sys.modules[name]
    package, _, module = name.rpartition(".")
    delattr(sys.modules[package], module)
