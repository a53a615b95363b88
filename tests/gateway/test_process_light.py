"""Lighting in a whole gateway: what is planned and held outlives its process, and is asked of its radios."""

import apsw

from gateway.api.station import HoldForm, LoadForm
from gateway.network.registration import Registration, Role
from gateway.operate.importing import Batch
from gateway.process import ALMANAC_MS
from tests.gateway.gateways import running, until
from tests.gateway.lighting.samples import RUE, programme

LAMPS = tuple(
    Registration(
        device=0,
        dev_eui=bytes.fromhex(f"70b3d57ed006{number:04x}"),
        role=Role.LIGHT,
        name=f"lamp {number}",
        app_key=bytes([number] * 16),
        gen_app_key=bytes([number + 9] * 16),
        class_c=True,
    )
    for number in (1, 2)
)


async def _plan(gateway, clock):
    station = gateway.station
    await station.add(Batch(registrations=LAMPS))
    await station.set_group("rue-a", tuple(lamp.dev_eui for lamp in LAMPS))
    await station.light.load(LoadForm(text=RUE, groups=("rue-a",)))
    await station.light.hold(HoldForm(levels=(("rue-a", 50),), hold_s=7200))
    clock.move_to(clock.now_ms() + 2_000)
    await until(lambda: not gateway.engine.under_way)
    return [order["order"] for order in await station.orders(None, 10)]


async def _look(gateway, clock):
    clock.move_to(clock.now_ms() + 2_000)
    station = gateway.station
    why = await station.light.explain(LAMPS[0].dev_eui, None)
    [group] = await station.light.groups()
    return why["level_pct"], why["rule"], group["programme"], group["version"], group["held_pct"]


async def _wait_for_the_sun(gateway, clock):
    clock.move_to(clock.now_ms() + ALMANAC_MS)
    await until(lambda: gateway.engine.lighting.door.site is not None)
    return gateway.engine.lighting.door.site.sun.evening(0)


def test_a_gateway_that_was_moved_works_its_sun_out_anew(tmp_path):
    running(tmp_path, _plan)
    before = running(tmp_path, _wait_for_the_sun)
    database = apsw.Connection(str(tmp_path / "store" / "gateway.sqlite"))
    database.execute("UPDATE light_site SET place = 'another'")
    database.close()
    assert running(tmp_path, _wait_for_the_sun) == before


def test_a_plan_and_an_override_are_there_after_a_start(tmp_path):
    [order] = running(tmp_path, _plan)
    assert order.startswith("set_level level_pct=50 fade_s=2 hold_s=")
    version = f"{programme().version:04x}"
    assert running(tmp_path, _look) == (50, "manual", "rue", version, 50)


async def _listen(gateway, clock):
    known = {group.name: group.dr for group in gateway.engine.lighting._groups.values()}
    made = await gateway.station.set_group("quai", (LAMPS[0].dev_eui,))
    return known, made.dr


def test_another_rx2_dr_moves_the_groups_that_are_there_and_those_to_come(tmp_path):
    running(tmp_path, _plan)
    assert running(tmp_path, _listen) == ({"rue-a": 3}, 3)
    assert running(tmp_path, _listen, "[network]\nrx2_dr = 0\n") == ({"rue-a": 0, "quai": 0}, 0)
