"""A lamp on its post, for both Pythons: a role in virtual time, with power that comes and goes, sensors and flash."""

import sys

from firmware.actions import Persist, Sense, SenseLux, SetLamp, TakeReading, TellEvent
from firmware.events import LuxSensed, PowerFailing, Sensed, TimeTold, Woke
from firmware.roles.light import Light
from protocol.dimming import Site, SunTable
from protocol.orders import LOAD_PROGRAMME, Order
from protocol.quantities import CURRENT, ENERGY, POWER, TEMPERATURE, VOLTAGE
from protocol.quantity_table import SETS
from protocol.settings import Settings
from tests.protocol.expect import vectors

_PATIENCE = 10  # times that a role may be woken at one moment before it is called busy
DAY_S = 86400
RATED_DW = 400
SUN = {}  # built once: MicroPython takes its time


def antony():
    """Antony's site, without holidays."""
    if not SUN:
        table = vectors("sun_table")
        first = table["first_day"]
        sun = SunTable.build(first, table["sunrise"], table["sunset"])
        SUN["site"] = Site(60, True, sun, SunTable.build(first, table["dawn"], table["dusk"]), [])
    return SUN["site"]


def stored(programme, version=1):
    """A programme as it is persisted."""
    return version.to_bytes(2, "little") + programme.encode()


def settings(**changed):
    """A light's settings, some of them changed."""
    return Settings.from_names(dict({"role": "light", "dev_eui": "0004A30B001C0530"}, **changed))


class Broken:
    """In place of modules of `firmware/roles` while a `with` lasts: importing from them raises *error*."""

    def __init__(self, error, *names):
        self._error = error
        self._names = ["firmware.roles." + name for name in names]
        self._kept = {}

    def __getattr__(self, name):
        raise self._error

    def __enter__(self):
        for name in self._names:
            self._kept[name] = sys.modules.get(name)
            sys.modules[name] = self
        return self

    def __exit__(self, *exception):
        for name in self._names:
            del sys.modules[name]
            if self._kept[name] is not None:
                sys.modules[name] = self._kept[name]
        return False


class World:
    """What the sensors see; each can be broken. *levels* are what the heads do."""

    def __init__(self):
        self.broken = {}  # head: the share of its power in percent that it takes, whatever its level
        self.silent = False
        self.temperature = 250
        self.lux = 0  # or a function of the time

    def light(self, at_s):
        return self.lux(at_s) if callable(self.lux) else self.lux

    def measure(self, set_number, levels):
        if self.silent:
            return (None,) * len(SETS[set_number])
        power = 0
        for head, level in levels.items():
            share = RATED_DW * (500 + 95 * level) // 10000 if level else 3
            power += RATED_DW * self.broken[head] // 100 if head in self.broken else share
        known = {POWER: power, VOLTAGE: 2300, CURRENT: power * 1000 // 2300, ENERGY: 0, TEMPERATURE: self.temperature}
        return tuple([known.get(quantity) for quantity, _ in SETS[set_number]])


class Lamp:
    """One node: *changed* are settings. at_s: the world's time, seconds that only grow.

    changes: (at_s, head, level_pct, fade_s) as they were ordered, level 0 without power. told: (at_s, event, details).
    readings: (at_s, values). writes: (at_s, key). wakes: times that it was woken.
    """

    def __init__(self, world=None, at_s=0, programme=b"", site=b"", seed=0, **changed):
        self.at_s = at_s
        self.world = world or World()
        self.levels = {}
        self.changes = []
        self.told = []
        self.readings = []
        self.writes = []
        self.wakes = 0
        self.flash = {"programme": programme}
        self.role = None
        self.settings = settings(**changed)
        self._site = site
        self._seed = seed
        self._answers = []
        self._powered_s = at_s

    def power_on(self, image=b""):
        """Boot; with an image it is a restart in good order, in which the uptime goes on."""
        if not image:
            self._powered_s = self.at_s
        flash = self.flash
        self.role = Light(self.settings, self._seed, self._site, flash["programme"], flash.get("light", b""), image)
        self._answers = []
        if not image:
            for head in range(self.settings.heads):
                self.levels[head] = 0
        return self

    def power_off(self, gasp=False):
        if gasp:
            self.tell(PowerFailing())
        self.role = None
        for head in self.levels:
            self._set(head, 0, 0)

    def tell_time(self, gps_s):
        self.tell(TimeTold(gps_s))

    def tell(self, event):
        self._do(self.role.handle(event, self.now_ms()))

    def order(self, verb, *arguments, gps_s=None, group=None):
        """Give an order; returns outcome and detail."""
        outcome, detail, actions = self.role.order(Order(1, 0, verb, *arguments), self.now_ms(), gps_s, group)
        self._do(actions)
        return outcome, detail

    def load(self, programme, version=2):
        """Load a programme by orders, as the gateway cuts it."""
        data = programme.encode()
        parts = (len(data) + 33) // 34
        for part in range(parts):
            last = self.order(LOAD_PROGRAMME, version, part, parts, data[part * 34 : part * 34 + 34])
        return last

    def run(self, seconds):
        self.run_until(self.at_s + seconds)

    def run_until(self, until_s):
        """Let time pass; without power only the clock on the wall goes on."""
        rings = 0
        while self.role is not None:
            alarm_s = max(self._powered_s + -(-self.role.wake_at() // 1000), self.at_s)
            due_s = min([alarm_s] + [at_s for at_s, _ in self._answers])
            if due_s > until_s:
                break
            rings = rings + 1 if due_s == self.at_s else 0
            assert rings < _PATIENCE, f"woken at {due_s} s for ever"
            self.at_s = due_s
            self.tell(self._answer())
        self.at_s = until_s

    def now_ms(self):
        return (self.at_s - self._powered_s) * 1000

    def _answer(self):
        """What the sensors say now; with nothing to say it is the alarm that rings."""
        for answer in self._answers:
            if answer[0] <= self.at_s:
                self._answers.remove(answer)
                asked = answer[1]
                if isinstance(asked, SenseLux):
                    return LuxSensed(self.world.light(self.at_s))
                return Sensed(asked.set_number, self.world.measure(asked.set_number, self.levels))
        self.wakes += 1
        return Woke()

    def _set(self, head, level_pct, fade_s):
        self.levels[head] = level_pct
        self.changes.append((self.at_s, head, level_pct, fade_s))

    def _do(self, actions):
        for action in actions:
            if isinstance(action, SetLamp):
                self._set(action.head, action.level_pct, action.fade_s)
            elif isinstance(action, (Sense, SenseLux)):
                self._answers.append((self.at_s + 1, action))
            elif isinstance(action, Persist):
                self.flash[action.key] = action.value
                self.writes.append((self.at_s, action.key))
            elif isinstance(action, TellEvent):
                self.told.append((self.at_s, action.event, action.details))
            elif isinstance(action, TakeReading):
                self.readings.append((self.at_s, action.values))
            else:
                raise AssertionError(f"a lamp cannot do {action}")
