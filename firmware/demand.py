"""What is loaded on demand, and how it goes again: code that normal running does without for hours.

The rule: nothing of such a module outlives the call that imported it but plain data, tuples, numbers, bytes and objects
of modules that stay. Whoever needs one imports it inside the function; so a class of it that was loaded twice is two
classes, and an object of the first is no instance of the second.
"""

import sys

# A package comes after its modules; as text, because a tuple of words takes 40 bytes for each.
MODULES = (
    "firmware.body.birth firmware.body.board firmware.body.desk firmware.body.falling firmware.body.selftest "
    "firmware.body.showing firmware.body.trial firmware.body.whole firmware.body.wiring "
    "firmware.roles.loading firmware.roles.night firmware.roles.obeying firmware.roles.outlook firmware.roles.rarely "
    "firmware.store.crashes firmware.store.slots "
    "firmware.asleep firmware.boot firmware.commands firmware.glance firmware.groups firmware.hearing "
    "firmware.joining firmware.orders firmware.recall firmware.starting "
    "protocol.dimming.programme protocol.dimming.setpoint protocol.dimming.site protocol.dimming.sun protocol.dimming "
    "protocol.lorawan.cmac protocol.lorawan.counters protocol.lorawan.eui protocol.lorawan.frames "
    "protocol.lorawan.join protocol.lorawan.mac_commands protocol.lorawan.multicast protocol.lorawan.ranges "
    "protocol.lorawan.security "
    "protocol.aes protocol.cbor protocol.civil protocol.items protocol.manifest protocol.orders "
    "protocol.quantity_table protocol.settings protocol.telemetry"
)
# Of the start alone. What follows a glance is the sleep, for which the rest would only be loaded again.
OF_START = (
    "firmware.body.birth firmware.body.board firmware.body.selftest firmware.body.wiring "
    "protocol.lorawan.eui protocol.settings"
)
_OURS = ("firmware.", "protocol.")
_left = [0]  # modules, when all of them had gone


def forget(modules: str = MODULES) -> None:
    """Let the collector have them; the body calls it when nothing is due for a while."""
    if len(sys.modules) == _left[0]:
        return
    for name in modules.split():
        _drop(name)
    if modules is MODULES:
        for name in [name for name in sys.modules if _is_split_off(name)]:
            _drop(name)
        _left[0] = len(sys.modules)


def _is_split_off(name: str) -> bool:
    """Whether it has functions on demand. A board has no packages (`boards/firmware/flat.py`)."""
    return name[-1] == "_" and (name[:9] in _OURS or ("." not in name and name[0] != "_"))


def _drop(name: str) -> None:
    sys.modules.pop(name, None)
    package, _, module = name.rpartition(".")
    if package in sys.modules and hasattr(sys.modules[package], module):
        delattr(sys.modules[package], module)
