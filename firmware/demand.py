"""What is loaded on demand, and how it goes again: code that normal running does without for hours.

The rule: nothing of such a module outlives the call that imported it but plain data, tuples, numbers, bytes and objects
of modules that stay. Whoever needs one imports it inside the function; so a class of it that was loaded twice is two
classes, and an object of the first is no instance of the second.
"""

import sys

# By package, which goes after its modules; as text, because a tuple of words takes 40 bytes for each.
MODULES = (
    ("firmware.body", "birth board desk falling selftest showing trial whole wiring"),
    ("firmware.roles", "loading night obeying outlook rarely"),
    ("firmware.store", "crashes slots"),
    ("firmware", "asleep boot commands glance groups hearing joining orders recall starting"),
    ("protocol.dimming", "programme setpoint site sun"),
    ("protocol.lorawan", "cmac counters eui frames join mac_commands multicast ranges security"),
    ("protocol", "aes cbor civil dimming items manifest orders quantity_table settings telemetry"),
)
# Of the start alone. What follows a glance is the sleep, for which the rest would only be loaded again.
OF_START = (
    ("firmware.body", "birth board selftest wiring"),
    ("protocol.lorawan", "eui"),
    ("protocol", "settings"),
)
_OURS = ("firmware.", "protocol.")
_left = [0]  # modules, when all of them had gone


def forget(modules: tuple[tuple[str, str], ...] = MODULES) -> None:
    """Let the collector have them; the body calls it when nothing is due for a while."""
    if len(sys.modules) == _left[0]:
        return
    for package, names in modules:
        if package in sys.modules:
            for name in names.split():
                if hasattr(sys.modules[package], name):
                    _drop(package + "." + name)
    if modules is MODULES:  # and functions on demand
        for name in [name for name in sys.modules if name[-1] == "_" and name[:9] in _OURS]:
            _drop(name)
        _left[0] = len(sys.modules)


def _drop(name: str) -> None:
    sys.modules.pop(name, None)  # a test may have let it go, and not its package
    package, _, module = name.rpartition(".")
    if hasattr(sys.modules[package], module):
        delattr(sys.modules[package], module)
