"""What cores know after a start: of lamps that were heard before, and said nothing yet, too."""

import pytest

from gateway.config.values import Network
from gateway.network.registration import Role
from gateway.places.directory import Directory
from gateway.places.place import Installed, Place, PlaceKind
from gateway.readings import content
from gateway.readings.record import Kind, Record
from gateway.running.cores import make_cores
from gateway.store.devices import list_devices
from gateway.store.writes import KeepOutage
from protocol.events import POWER_LOST
from tests.fakes.devices import Device
from tests.gateway.engines import OFFSET_MS, Bench
from tests.gateway.lighting.samples import SITE


@pytest.fixture(name="bench")
def _bench(tmp_path):
    bench = Bench(tmp_path, *[Device(number, role=Role.LIGHT, class_c=True) for number in range(1, 7)])
    yield bench
    bench.close()


def test_a_lamp_that_was_ever_heard_counts_on_its_feeder_from_the_start(bench):
    """Five of six were heard in the run before, though none told a reading; three of them tell that the power goes."""
    for number in range(1, 6):
        bench.hear(Device(number, role=Role.LIGHT, class_c=True).status(0, 0))
    known = list_devices(bench.read)
    installed = [
        Installed(place_id=f"92002-lamp-{lamp.device}", dev_eui=lamp.dev_eui, instance=0, from_ms=0) for lamp in known
    ]
    places = [Place(place_id=each.place_id, kind=PlaceKind.LAMP, zone="centre") for each in installed]
    directory = Directory(known, places, installed)
    _, application = make_cores(bench.read, Network(), known, 2, 0, almanac=SITE.encode(), directory=directory)
    writes = []
    for lamp in known[:3]:
        lost = Record(Kind.EVENT, lamp.device, 1, 1, OFFSET_MS, None, OFFSET_MS, 1, content.event(POWER_LOST, ()))
        writes += application._lamps.heard(lamp.device, None, [lost], 0, OFFSET_MS)
    [outage] = [write.outage for write in writes if isinstance(write, KeepOutage)]
    assert (outage.feeder, outage.gasps, outage.known) == ("centre", 3, 5)
