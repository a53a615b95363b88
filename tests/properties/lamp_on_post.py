"""A lamp on its post, to search for dark nights: its mind and flash in the world's time, with sensors that answer."""

from firmware.actions import SenseLux, SetLamp
from firmware.events import LuxSensed
from firmware.roles.light import Light
from protocol.civil import DAY_S, day_of, from_gps, to_gps
from protocol.quantities import LIGHT_ONE_HEAD
from tests.fakes.desk import Desk
from tests.firmware.roles.street import antony
from tests.firmware.roles.street import settings as settings_of

SITE = antony()
START_S = to_gps(day_of(2027, 10, 29), 43200)  # the clock changes two nights later


def is_night(gps_s):
    """Whether civil twilight is over, by the table that is tested against the almanac."""
    day, second = from_gps(gps_s)
    days, second = divmod(second + SITE.utc_offset_min * 60, DAY_S)
    return not SITE.twilight.morning(day + days) * 6 <= second < SITE.twilight.evening(day + days) * 6


class Post(Desk):
    """A lamp whose sensors answer; level_pct: what it does, None without power.

    shone_s: until when headlights shine at its photocell.
    """

    light = Light

    def __init__(self, programme, **changed):
        self.level_pct = None
        self.changed = changed
        self.programme = programme
        self.world_s = START_S  # when its clock said 0
        self.shone_s = 0
        self.kept = b""  # the role's image, over a restart in good order
        super().__init__(make_role=self._role, spread_s=0)
        self.answers[LIGHT_ONE_HEAD] = (None, 300, 2300, 130, 0, 250, None)

    def _role(self, image=b""):
        persisted = self.persisted
        programme = persisted.get("programme", self.programme)
        return self.light(
            settings_of(**self.changed), 7, SITE.encode(), programme, persisted.get("light", b""), image or self.kept
        )

    @property
    def now_s(self):
        """The world's time."""
        return self.world_s + self.now_ms // 1000

    def power_up(self, reset_cause=1, safe=False):
        if reset_cause == 3:
            self.restart()
            return
        self.world_s = self.now_s
        self.level_pct = None
        super().power_up(reset_cause, safe)

    def restart(self):
        """In good order: of the lamp's memory the role's image is left, and the uptime."""
        self.kept = self.role.image()
        self._start(b"", b"", 3, False)
        self.kept = b""

    def on_done(self, action):
        if isinstance(action, SetLamp):
            self.level_pct = action.level_pct
        elif isinstance(action, SenseLux):
            lit = self.now_s < self.shone_s or not is_night(self.now_s)
            self._coming.append((self.now_ms + 1000, LuxSensed(20_000 if lit else 0)))
