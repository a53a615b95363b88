"""Changes that touch several tables at once."""

from dataclasses import replace

import apsw
import pytest

from gateway.places.place import Installed, Place, PlaceKind
from gateway.store import devices, groups, places, registry, sessions
from gateway.store.devices import RegistryError
from gateway.store.writes import KeepSession, StartSession
from tests.gateway.store.samples import NOON_MS, dev_eui, group, new_database, registration, session

LAMP = Place(place_id="92002-lamp-7", kind=PlaceKind.LAMP)


@pytest.fixture(name="database")
def _database() -> apsw.Connection:
    database = new_database(devices=2)
    sessions.write_session(database, KeepSession(session(1)))
    sessions.write_session(database, StartSession(1, 0))
    groups.add_group(database, group(1, members=(dev_eui(1),)))
    places.set_places(database, [LAMP])
    places.install(database, Installed(place_id=LAMP.place_id, dev_eui=dev_eui(1), instance=0, from_ms=NOON_MS))
    return database


def test_another_name_leaves_the_session_and_another_key_ends_it(database):
    assert not registry.change(database, registration(1, name="new", min_dr=2))
    assert sessions.load_devices(database)[1].current == session(1)
    assert registry.change(database, registration(1, app_key=bytes(16)))
    kept = sessions.load_devices(database)[1]
    assert (kept.current, kept.dev_nonce, kept.join_nonce) == (None, 10, 20)


def test_a_removed_device_is_nowhere_and_its_nonces_still_count(database):
    assert registry.remove(database, dev_eui(1), NOON_MS + 5) == 1
    assert devices.get_device(database, dev_eui(1)) is None
    assert groups.load_groups(database)[0].members == ()
    assert [kept.to_ms for kept in places.list_installed(database)] == [NOON_MS + 5]
    [again] = devices.add_devices(database, [registration(1)])
    kept = sessions.load_devices(database)[again.device]
    assert (kept.current, kept.dev_nonce) == (None, 10)  # a recorded join request is still a replay


def test_a_replaced_device_hands_over_places_and_groups(database):
    assert registry.replace(database, dev_eui(1), dev_eui(2), NOON_MS + 5) == (1, 1)
    assert [kept.dev_eui for kept in places.list_installed(database, now_only=True)] == [dev_eui(2)]
    assert groups.load_groups(database)[0].members == (dev_eui(2),)
    assert devices.get_device(database, dev_eui(1)) == replace(registration(1), device=1)
    with pytest.raises(RegistryError, match="70b3d57ed0000009 is not registered; add it"):
        registry.replace(database, dev_eui(2), dev_eui(9), NOON_MS + 9)
