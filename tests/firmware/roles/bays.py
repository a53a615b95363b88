"""A parking role's bench on both Pythons: bays whose fields are set by hand, with a little noise."""

from firmware.actions import Persist, Sense, SenseField, TakeReading, TellEvent, WatchField
from firmware.events import FieldSensed, Sensed, Woke
from tests.protocol.expect import Dice

_PATIENCE = 20  # times that the role may be woken at one moment
EMPTY = (150, 140, -420)
CAR = (250, -120, 180)  # what a car adds
NEIGHBOUR = (60, 40, -50)


class Ground:
    """What the sensors below two bays feel and the body measures.

    adds: what stands there adds to each bay's field. dead: bays whose sensor is silent; stuck: whose sensor repeats
    itself. distance_cm, dcel, battery_cv: what a `Sense` and the temperature say.
    """

    def __init__(self, noise_dut=4):
        self.adds = [(0, 0, 0), (0, 0, 0)]
        self.dead = []
        self.stuck = []
        self.dcel = 150
        self.battery_cv = 360
        self.distance_cm = 250
        self.slope = (0, 0, 0)  # of the sensor, in tenths of a µT for 100 K
        self.drift_dut = 0  # of two axes, one up and one down
        self.noise_dut = noise_dut
        self._dice = Dice(7)

    def field(self, bay):
        """A sample, or None."""
        if bay in self.dead:
            return None
        if bay in self.stuck:
            return EMPTY
        noise = self.noise_dut
        drift = (self.drift_dut, -self.drift_dut, 0)
        return tuple(
            [
                EMPTY[axis]
                + self.adds[bay][axis]
                + drift[axis]
                + self.slope[axis] * (self.dcel - 200) // 1000
                + self._dice.below(2 * noise + 1)
                - noise
                for axis in range(3)
            ]
        )

    def values(self, set_number):
        """What the body can say of a set: the last two are temperature and battery in all of parking's."""
        known = (self.dcel, self.battery_cv)
        if 0 in self.dead:
            return (None,) * (8 if set_number == 1 else 5)
        if set_number == 1:
            return (None,) * 6 + known
        return (None, None, self.distance_cm if set_number == 2 else None) + known


class Bench:
    """Runs *role* over *ground*; done: (now_ms, action)."""

    def __init__(self, role, ground):
        self.role = role
        self.ground = ground
        self.now_ms = 0
        self.done = []

    def run(self, seconds):
        """Let time pass."""
        until_ms = self.now_ms + seconds * 1000
        woken = 0
        while True:
            wake_ms = max(self.role.wake_at(), self.now_ms)
            if wake_ms > until_ms:
                self.now_ms = until_ms
                return
            woken = woken + 1 if wake_ms == self.now_ms else 0
            assert woken < _PATIENCE, f"woken at {wake_ms} ms for ever"
            self.now_ms = wake_ms
            self.tell(Woke())

    def tell(self, event):
        """Let the role hear *event* and the answers to what it asks."""
        events = [event]
        while events:
            for action in self.role.handle(events.pop(0), self.now_ms):
                self.done.append((self.now_ms, action))
                if isinstance(action, SenseField):
                    field = self.ground.field(action.bay)
                    if field:
                        events.append(FieldSensed(action.bay, field, self.ground.dcel))
                elif isinstance(action, Sense):
                    events.append(Sensed(action.set_number, self.ground.values(action.set_number)))

    def change(self, bay, adds, seconds=8, swing=(0, 0, 300)):
        """Something moves for *seconds*, swings the field on its way, and leaves *adds* behind."""
        before = self.ground.adds[bay]
        for step in range(seconds):
            part = 2 * (step + 1) if 2 * (step + 1) <= seconds else 2 * (seconds - step - 1)
            self.ground.adds[bay] = tuple(
                [
                    old + (new - old) * (step + 1) // seconds + s * part // seconds
                    for old, new, s in zip(before, adds, swing)
                ]
            )
            self.run(1)
        self.ground.adds[bay] = adds

    def events(self):
        """What was told: (event, details)."""
        return [(action.event, action.details) for _, action in self.done if isinstance(action, TellEvent)]

    def readings(self):
        """Values of the readings."""
        return [action.values for _, action in self.done if isinstance(action, TakeReading)]

    def times(self, kind):
        """When actions of one kind were wanted."""
        return [now_ms for now_ms, action in self.done if isinstance(action, kind)]

    def gaps(self, kind):
        """The ms between actions of one kind."""
        times = self.times(kind)
        return [times[place + 1] - times[place] for place in range(len(times) - 1)]

    def kept(self):
        """What was persisted last, or b""."""
        kept = [action.value for _, action in self.done if isinstance(action, Persist)]
        return kept[-1] if kept else b""

    def watches(self):
        """What the sensors were told to watch for: (bay, threshold_dut)."""
        return [(action.bay, action.threshold_dut) for _, action in self.done if isinstance(action, WatchField)]
