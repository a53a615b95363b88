"""Changes of the registry that touch several tables: each runs as a `call` of the writer, and so is one transaction.

Who removes a device leaves its records, its number and its nonces; who replaces one keeps the series of its places.
"""

import apsw

from gateway.network.registration import Registration
from gateway.store import devices, groups, places, sessions
from gateway.store.devices import RegistryError
from protocol.lorawan.eui import eui_to_text


def change(database: apsw.Connection, registration: Registration) -> bool:
    """Change a registered device; with other keys or another ABP session its session is over. Returns whether it is.

    Raises RegistryError when it is not registered, or its name is taken.
    """
    before = devices.get_device(database, registration.dev_eui)
    devices.set_device(database, registration)
    ended = before is not None and (before.app_key, before.abp) != (registration.app_key, registration.abp)
    if ended:
        sessions.end_sessions(database, registration.device)
    return ended


def remove(database: apsw.Connection, dev_eui: bytes, at_ms: int) -> int:
    """Remove a device: from its groups, from its places as of *at_ms* (Unix), its keys at once; returns its number.

    Raises RegistryError when it is not registered.
    """
    number = devices.remove_device(database, dev_eui)
    sessions.end_sessions(database, number)
    groups.remove_member(database, dev_eui)
    places.free(database, dev_eui, at_ms)
    return number


def replace(database: apsw.Connection, old: bytes, new: bytes, at_ms: int) -> tuple[int, int]:
    """*new* takes the places and groups of *old* (DevEUIs) as of *at_ms* (Unix); both stay registered.

    Returns how many places and groups. Raises RegistryError when *new* is not registered or *old* hangs nowhere.
    """
    if devices.get_device(database, new) is None:
        raise RegistryError(f"DevEUI {eui_to_text(new)} is not registered; add it with `devices add` first")
    return places.replace_device(database, old, new, at_ms), groups.replace_member(database, old, new)
