"""The core as the application has it: what uplinks say brightens groups, and what is known of lamps is kept."""

import json

from gateway.application import TownApplication
from gateway.lighting.lamps import Key, Lamp, lamp_from_text
from gateway.lighting.lighting import Lighting, Plan, State
from gateway.lighting.plan import Rule
from gateway.network.registration import Registration, Role
from gateway.readings import content
from gateway.readings.record import Kind, Record
from gateway.store.writes import KeepLamp
from protocol.events import BAY_LEFT, BAY_TAKEN, MOTION_SEEN
from protocol.orders import DONE
from protocol.quantities import ILLUMINANCE, LIGHT_ONE_HEAD, PROGRAMME_VERSION
from tests.gateway.lighting.samples import RUE, SITE, at, lamp, programme, street
from tests.gateway.uplinks import LAMP as LAMP_OF_TOWN
from tests.gateway.uplinks import status_payload, uplink

BAY = Registration(device=50, dev_eui=b"\2" * 8, role=Role.PARKING)
CELL = Registration(device=51, dev_eui=bytes.fromhex("70b3d57ed0050001"), role=Role.AIR)
NOW_S = at("2026-12-22 23:00")
TEXT = (
    RUE
    + '[presence]\nlevel_pct = 80\nhold_s = 300\nplaces = ["92002-bay-a", "92002-lamp-2"]\n'
    + '[lux]\nlevel_pct = 60\non_lux = 20\noff_lux = 70\ndevice = "70b3d57ed0050001"\n'
)
LAMP = lamp(1).dev_eui


def town():
    members, group = street(3)
    light = Lighting([*members, BAY, CELL], [group], State(Plan((programme(TEXT),), {1: "rue"}), site=SITE))
    light.set_places({"92002-bay-a": (BAY.dev_eui, 1), "92002-lamp-2": (lamp(2).dev_eui, 0)})
    light.set_clock(NOW_S * 1000)
    for member in members:
        light.lamps[member.dev_eui].stores(programme(TEXT).version, NOW_S - 3600)
        light.lamps[member.dev_eui].unkept = False
    return light


def record(kind, said, at_s=NOW_S, boot=None):
    return Record(kind, 1, 1, 1, at_s * 1000, boot, at_s * 1000, 1, said)


def hear(light, device, *records, now_ms=0, session=0):
    heard = uplink(1, b"", now_ms, NOW_S * 1000, device, session)
    return light.hear(heard, records, now_ms)


def says(light, at_s=NOW_S):
    found = light.expected(LAMP, at_s)
    return found.level_pct, found.rule


def test_an_arrival_at_a_bay_brightens_the_street():
    light = town()
    assert light.cares_for(BAY.dev_eui)
    hear(light, BAY, record(Kind.EVENT, content.event(BAY_TAKEN, (1, 600))))
    assert says(light) == (80, Rule.PRESENCE)
    assert says(light, NOW_S + 300) == (40, Rule.PROGRAMME)
    assert light.wake_at() == 0


def test_who_is_there_when_the_street_dims_keeps_it_bright():
    light = town()
    light.set_clock(at("2026-12-22 21:58") * 1000)
    hear(light, BAY, record(Kind.EVENT, content.event(BAY_TAKEN, (1, 600)), at("2026-12-22 21:58")))
    told = []
    for now_ms in range(0, 300_000, 1000):
        wake_ms = light.wake_at()
        if wake_ms is not None and wake_ms <= now_ms:
            told += [(now_ms, ask.request.arguments) for ask in light.look(now_ms)]
    ((told_ms, arguments),) = told
    assert 120_000 <= told_ms <= 180_000, "the programme goes from 90 % to 40 % then"
    assert arguments["level_pct"] == 80
    assert told_ms // 1000 + arguments["hold_s"] == 300


def test_other_bays_and_who_leaves_brighten_nothing():
    light = town()
    hear(light, BAY, record(Kind.EVENT, content.event(BAY_TAKEN, (0, 600))))
    hear(light, BAY, record(Kind.EVENT, content.event(BAY_LEFT, (1, 600))))
    assert says(light) == (40, Rule.PROGRAMME)


def test_an_arrival_that_is_told_late_brightens_for_what_is_left():
    light = town()
    hear(light, BAY, record(Kind.EVENT, content.event(BAY_TAKEN, (1, 600)), NOW_S - 290))
    assert says(light) == (80, Rule.PRESENCE)
    assert says(light, NOW_S + 10) == (40, Rule.PROGRAMME)


def test_what_nobody_can_date_brightens_nothing():
    light = town()
    hear(light, BAY, record(Kind.EVENT, content.event(BAY_TAKEN, (1, 600)), boot=3))
    assert says(light) == (40, Rule.PROGRAMME)


def test_motion_at_a_neighbour_s_lamp_is_an_arrival():
    light = town()
    hear(light, lamp(3), record(Kind.EVENT, content.event(MOTION_SEEN, (4,))))
    assert says(light) == (40, Rule.PROGRAMME), "a lamp that no programme names"
    hear(light, lamp(2), record(Kind.EVENT, content.event(MOTION_SEEN, (1,))))
    assert says(light) == (80, Rule.PRESENCE)
    assert light.expected(LAMP, NOW_S).detail == "92002-lamp-2"
    assert says(light, NOW_S + 300) == (40, Rule.PROGRAMME)


def test_an_arrival_that_comes_late_does_not_end_what_a_newer_one_began():
    light = town()
    hear(light, BAY, record(Kind.EVENT, content.event(BAY_TAKEN, (1, 600)), NOW_S))
    hear(light, lamp(2), record(Kind.EVENT, content.event(MOTION_SEEN, (1,)), NOW_S - 250))
    assert says(light, NOW_S + 299) == (80, Rule.PRESENCE)


def test_a_dark_day_lights_the_street():
    light = town()
    noon_s = at("2026-12-22 13:00")
    light.set_clock(noon_s * 1000)
    hear(light, CELL, record(Kind.READING, content.rare_reading(((ILLUMINANCE, 0),), (12,)), noon_s))
    assert says(light, noon_s) == (60, Rule.LUX)
    hear(light, CELL, record(Kind.READING, content.rare_reading(((ILLUMINANCE, 0),), (500,)), noon_s))
    assert says(light, noon_s) == (0, Rule.PROGRAMME)


def test_a_lamp_tells_its_level_its_state_and_its_programme():
    light = town()
    hear(light, lamp(1), record(Kind.READING, content.reading_in_a_set(LIGHT_ONE_HEAD, [40, 1, 2, 3, 4, 5, 0])))
    known = light.lamps[LAMP]
    assert (known.level_pct, known.status, known.told_s) == (40, 0, NOW_S)
    hear(light, lamp(1), record(Kind.READING, content.reading_in_a_set(LIGHT_ONE_HEAD, [90, 1, 2, 3, 4, 5, 0]), 5))
    assert known.level_pct == 40, "an old reading that comes late says nothing of now"
    hear(light, lamp(1), record(Kind.READING, content.rare_reading(((PROGRAMME_VERSION, 0),), (1,))))
    assert (known.version, light.programme_of(LAMP)) == (1, None)
    hear(light, lamp(1), record(Kind.READING, content.rare_reading(((PROGRAMME_VERSION, 0),), (-1,)), NOW_S + 1))
    assert known.version is None


def test_what_a_lamp_said_before_it_was_loaded_says_nothing_of_what_it_has():
    light = town()
    light.lamps[LAMP].stores(programme(TEXT).version, NOW_S)
    hear(light, lamp(1), record(Kind.READING, content.rare_reading(((PROGRAMME_VERSION, 0),), (1,)), NOW_S - 60))
    assert light.lamps[LAMP].version == programme(TEXT).version


def test_what_is_known_of_a_lamp_is_kept_when_it_changes():
    light = town()
    [kept] = hear(light, lamp(1), session=4)
    assert isinstance(kept, KeepLamp)
    assert hear(light, lamp(1), session=4) == []
    again = lamp_from_text(lamp(1), kept.state)
    assert (again.session, again.version, again.sure) == (4, programme(TEXT).version, False)
    [kept] = hear(
        light, lamp(1), record(Kind.READING, content.rare_reading(((PROGRAMME_VERSION, 0),), (9,))), session=4
    )
    assert json.loads(kept.state)["version"] == 9


def test_what_could_not_be_written_is_written_again():
    light = town()
    hear(light, lamp(1), session=4)
    light.commits_failed()
    assert len(hear(light, lamp(1), session=4)) == 1
    assert hear(light, lamp(1), session=4) == []


def test_a_lamp_comes_out_of_the_store_as_it_went_in():
    before = Lamp(registration=lamp(1), session=3, version=77, refused=12, sure=False, keys={4: Key(1, 0xFF000001)})
    assert lamp_from_text(lamp(1), before.to_text()) == before


def test_of_a_lamp_that_cannot_be_read_nothing_is_known():
    for text in ("", "[]", "{}", '{"session": 1, "version": 2, "sure": true, "refused": null, "keys": {"a": 1}}'):
        assert lamp_from_text(lamp(1), text) == Lamp(registration=lamp(1))


class Stumbling(Lighting):
    """Lighting with a mistake in it."""

    def hear(self, uplink, records, now_ms):
        raise ZeroDivisionError("planted")

    def look(self, now_ms):
        raise ZeroDivisionError("planted")


def test_a_mistake_in_lighting_costs_no_reading_and_does_not_end_the_gateway():
    app = TownApplication(1, [LAMP_OF_TOWN], lighting=Stumbling())
    heard = app.hear(uplink(3, status_payload(7, 0), 0, NOW_S * 1000, LAMP_OF_TOWN), app.first_log(None))
    assert heard.records == 1
    assert [note.name for note in heard.notes] == ["lighting_failed"]
    told = app.wake(0)
    assert [note.name for note in told.notes] == ["lighting_failed"]
    assert "ZeroDivisionError: planted" in told.notes[0].detail
    assert app.lighting.wake_at() == 60_000


def test_a_receipt_of_nobody_s_order_changes_nothing():
    light = town()
    assert light.answered(LAMP, 99, DONE, None, 0) == []
    assert light.answered(b"\1" * 8, 99, DONE, None, 0) == []


def test_a_device_that_is_removed_is_forgotten():
    light = town()
    light.drop_device(LAMP)
    assert [group.members for group in light.light_groups()] == [(lamp(2).dev_eui, lamp(3).dev_eui)]
    assert light.members(1) == [lamp(2).dev_eui, lamp(3).dev_eui]
