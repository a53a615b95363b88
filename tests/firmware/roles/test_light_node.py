"""A lamp with its mind: what leaves the node by radio."""

from firmware.events import TimeAnswered
from firmware.roles.light import Light
from protocol.civil import day_of, to_gps
from protocol.dimming import DEFAULT_PROGRAMME
from protocol.quantities import LIGHT_ONE_HEAD, OPERATING_HOURS, PROGRAMME_VERSION, SWITCH_COUNT
from protocol.telemetry_reader import decode_readings
from tests.fakes.desk import Desk
from tests.firmware.roles.street import DAY_S, antony, settings, stored

NOON_S = to_gps(day_of(2027, 12, 1), 11 * 3600)


def lamp_on_a_desk():
    kept = {}
    made = []

    def make_role(image=b""):
        flash = made[0].persisted if made else kept
        return Light(settings(), 7, antony().encode(), stored(DEFAULT_PROGRAMME, 7), flash.get("light", b""), image)

    desk = Desk(make_role=make_role)
    made.append(desk)
    desk.answers[LIGHT_ONE_HEAD] = (None, 400, 2300, 174, 0, 250, None)
    return desk


def seldom(desk):
    """(day, seq, hours, switchings, version) of each payload that says what no set carries."""
    found = []
    for now_ms, payload in desk.sent(1):
        readings = decode_readings(payload)
        if readings.quantities == ((OPERATING_HOURS, 0), (SWITCH_COUNT, 0), (PROGRAMME_VERSION, 0)):
            (row,) = readings.rows
            found.append((now_ms // 86_400_000, row.seq) + tuple(row.values))
    return found


def test_programme_burning_hours_and_switchings_reach_the_city_every_day_as_records_of_the_log():
    desk = lamp_on_a_desk()
    desk.tell(TimeAnswered(NOON_S, desk.now_ms))
    desk.rest(900)  # of light, until the time is sure
    desk.tell(TimeAnswered(NOON_S + desk.now_ms // 1000, desk.now_ms))
    desk.rest(4 * DAY_S + 2700)
    found = seldom(desk)
    assert [(day, hours, switchings, version) for day, _, hours, switchings, version in found] == [
        (0, 0, 1, 7),
        (1, 15, 2, 7),
        (2, 31, 3, 7),
        (3, 46, 4, 7),
        (4, 62, 5, 7),
    ]
    assert len({seq for _, seq, _, _, _ in found}) == 5
    desk.payloads.clear()
    desk.power_up()
    desk.rest(3600)
    assert [(hours, switchings) for _, _, hours, switchings, _ in seldom(desk)] == [(62, 6)]  # full light at the boot
