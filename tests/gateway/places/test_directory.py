"""Who is where, and who was."""

import pytest

from gateway.network.registration import Registration, Role
from gateway.places.directory import Device, Directory
from gateway.places.place import Installed, Place, PlaceKind

ONE, TWO = bytes(7) + b"\x01", bytes(7) + b"\x02"
BAY = Place(place_id="92002-bay-1", kind=PlaceKind.BAY)
OTHER = Place(place_id="92002-bay-2", kind=PlaceKind.BAY)


def registrations():
    return [
        Registration(device=5, dev_eui=ONE, role=Role.PARKING, name="north"),
        Registration(device=9, dev_eui=TWO, role=Role.PARKING),
    ]


def test_a_device_by_its_row_and_the_row_by_its_eui():
    directory = Directory(registrations())
    assert directory.device(5) == Device(dev_eui="0000000000000001", role=Role.PARKING, name="north")
    assert directory.device(6) is None
    assert (directory.row_of(TWO), directory.row_of(bytes(8))) == (9, None)
    directory.set_device(Registration(device=9, dev_eui=TWO, role=Role.AIR, name="south"))
    assert directory.device(9).name == "south"


def test_a_device_moves_comes_back_and_rests_in_between():
    directory = Directory(
        registrations(),
        [BAY, OTHER],
        [
            Installed(place_id="92002-bay-1", dev_eui=ONE, instance=0, from_ms=100, to_ms=200),
            Installed(place_id="92002-bay-1", dev_eui=ONE, instance=0, from_ms=400),
            Installed(place_id="92002-bay-2", dev_eui=ONE, instance=0, from_ms=200, to_ms=300),
            Installed(place_id="92002-bay-2", dev_eui=ONE, instance=1, from_ms=250),
        ],
    )
    wanted = {99: None, 100: BAY, 199: BAY, 200: OTHER, 299: OTHER, 300: None, 399: None, 400: BAY, 10**15: BAY}
    assert {at_ms: directory.place_of(5, 0, at_ms) for at_ms in wanted} == wanted
    assert directory.place_of(5, 1, 400) == OTHER
    assert directory.place_of(9, 0, 400) is None
    assert directory.place("92002-bay-2") == OTHER
    assert directory.place("92002-bay-3") is None


@pytest.mark.parametrize(
    ("place_id", "dev_eui", "at", "said"),
    [
        ("92002/bay", ONE, "92002/bay", "place '92002/bay': write it with a-z, 0-9"),
        ("92002-bay-+", ONE, "92002-bay-+", "place '92002-bay-+'"),
        ("92002-Bay-1", ONE, "92002-Bay-1", "place '92002-Bay-1'"),
        ("92002-bay-7", ONE, "92002-bay-8", "device 0000000000000001 is installed at '92002-bay-8', which is no place"),
        ("92002-bay-7", bytes(8), "92002-bay-7", "device 0000000000000000, installed at '92002-bay-7', is not regist"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_rest_stays(place_id, dev_eui, at, said):
    directory = Directory(
        registrations(), [BAY], [Installed(place_id="92002-bay-1", dev_eui=ONE, instance=0, from_ms=0)]
    )
    with pytest.raises(ValueError, match="^" + said.replace("+", r"\+")):
        directory.set_places(
            [Place(place_id=place_id, kind=PlaceKind.BAY)],
            [Installed(place_id=at, dev_eui=dev_eui, instance=0, from_ms=0)],
        )
    assert directory.place_of(5, 0, 1) == BAY
