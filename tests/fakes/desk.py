"""A mind on a desk, for both Pythons: its radio, its clock and its flash are played, and everything is written down."""

from firmware.actions import LEAST_HOUR_MS, Persist, Restart, Sense, TakeReading, TellEvent, Transmit
from firmware.events import Downlink, Sensed, Sent, Woke
from firmware.mind import Facts, Mind
from firmware.store.log import Log
from protocol.orders import DONE, F_PORT_ORDERS, NOT_HERE, encode_order
from protocol.quantities import PARKING_ONE_BAY
from protocol.settings import PARKING, Settings
from tests.firmware.store.disks import Disk, PowerCut

BUILD_GPS_S = 1_400_000_000
EPOCH = 0xBEEF


class Wish:
    """An event that only `PuppetRole` understands: return these actions."""

    def __init__(self, *actions):
        self.actions = actions


class PuppetRole:
    """Does what it is told; heard: its events. outcome: what it answers to every order."""

    set_number = PARKING_ONE_BAY

    def __init__(self, image=b""):
        self.heard = []
        self.ordered = []
        self.configured = []
        self.wake_ms = None
        self.outcome = (DONE, None, [])
        self.kept = image
        self.seldom = []

    def handle(self, event, now_ms):
        self.heard.append(event)
        return list(event.actions) if isinstance(event, Wish) else []

    def wake_at(self):
        return self.wake_ms

    def order(self, order, now_ms, gps_s, group=None):
        self.ordered.append((order, now_ms, gps_s, group))
        return self.outcome

    def configure(self, setting, value):
        self.configured.append((setting, value))
        return DONE if setting == 12 else NOT_HERE

    def rare(self):
        return self.seldom

    def image(self):
        return self.kept


class Desk:
    """Runs one mind; switch it on with `power_up`. told: the epoch is known to the gateway.

    The radio takes a frame *delay_ms* after it was asked for and needs *airtime_ms*. room: for a payload. hour_ms:
    airtime in an hour. payloads: (now_ms, f_port, payload, confirmed). done: the body's actions as (now_ms, action).
    acked: what `Sent` says of confirmed frames. answers: {set: values} for `Sense`.
    """

    def __init__(self, told=True, make_role=PuppetRole, room=51, spread_s=60, dev_eui=bytes(8)):
        self.now_ms = 0  # of this run of the node
        self.disk = Disk()
        self.persisted = {}
        self.payloads = []
        self.done = []
        self.room = room
        self.hour_ms = LEAST_HOUR_MS
        self.delay_ms = 0
        self.airtime_ms = 1_000
        self.acked = True
        self.answers = {}
        self.cut_in = None  # actions that will still be carried out before the power goes
        self.asked = []  # AskTime, AskLink, JoinGroup, UsePlan
        self.make_role = make_role
        self.spread_s = spread_s
        self.dev_eui = dev_eui
        self.epoch = EPOCH  # of a log that is formatted
        self.role = None
        self.mind = None
        self._next_order = 0
        self.power_up()
        if told:
            self.log.epoch_told()

    def power_up(self, reset_cause=1, safe=False):
        """Power comes on, after any end of the run before."""
        self.now_ms = 0
        self.cut_in = None
        self.disk.cut_after = None
        self._start((b"", b"", b""), reset_cause, safe)

    def doze(self):
        """A deep sleep in good order, to the next moment."""
        self.run(self.now_ms)  # it sleeps when there is nothing left to do
        self.wake_from(self.images())

    def images(self):
        """Of role, mind and log, for a deep sleep."""
        return self.role.image(), self.mind.image(), self.log.image()

    def wake_from(self, images):
        """The end of a deep sleep."""
        self._start(images, 4, False)

    def _start(self, images, reset_cause, safe):
        role_image, image, log_image = images
        self.log = Log(self.disk, self.epoch, log_image)
        self.role = None if safe else self.make_role(image=role_image)
        facts = Facts(
            version=(1, 2, 3),
            build_gps_s=BUILD_GPS_S,
            dev_eui=self.dev_eui,
            spread_s=self.spread_s,
            boots=self.persisted.get("boots", 0),
            seq=self.persisted.get("seq", 0),
            orders=self.persisted.get("orders", b""),
            reset_cause=reset_cause,
            last_error="OSError 5" if safe else None,
            vitals=lambda: (3600, 90_000),
        )
        settings = Settings({0: PARKING, 1: bytes(8)})
        if "settings" in self.persisted:
            settings = Settings.decode(self.persisted["settings"])
        self.mind = Mind(self.role, self.log, settings, facts, image)
        self._waiting = None  # the Transmit that the radio was asked for, and when it goes
        self._on_air = None  # and when that one is over
        self._coming = [(self.now_ms, Woke())]  # what the hardware will say: (at_ms, event)

    def run(self, until_ms):
        """Let time pass up to and including *until_ms*."""
        woken = 0
        while True:
            at_ms = self._next_ms()
            if at_ms is None or at_ms > until_ms:
                self.now_ms = max(self.now_ms, until_ms)
                return
            woken = woken + 1 if at_ms <= self.now_ms else 0
            assert woken < 20, f"busy at {self.now_ms} ms"
            self.now_ms = max(self.now_ms, at_ms)
            self._step()

    def rest(self, seconds):
        """Let *seconds* pass."""
        self.run(self.now_ms + seconds * 1000)

    def tell(self, event):
        """The mind hears *event* now."""
        for action in self.mind.handle(event, self.now_ms):
            if self.cut_in is not None:
                if self.cut_in == 0:
                    raise PowerCut
                self.cut_in -= 1
            self._do(action)
            self.on_done(action)

    def wish(self, *actions):
        """The role wants these."""
        self.tell(Wish(*actions))

    def read(self, *values):
        """The role takes a reading."""
        self.wish(TakeReading(values))

    def event(self, number, *details):
        """The role tells an event."""
        self.wish(TellEvent(number, details))

    def order(self, order, group=None):
        """An order arrives."""
        self.tell(Downlink(F_PORT_ORDERS, encode_order(order), group))

    def sent(self, f_port):
        """The payloads of one port with their times."""
        return [(now_ms, payload) for now_ms, port, payload, _ in self.payloads if port == f_port]

    def of(self, kind):
        """The body's actions of one kind."""
        return [action for _, action in self.done if isinstance(action, kind)]

    def on_payload(self, f_port, payload):
        """A frame is over; tests replace this with a gateway."""

    def on_done(self, action):
        """An action was carried out; tests replace this with an eye."""

    def _next_ms(self):
        times = [at_ms for at_ms, _ in self._coming]
        if self._on_air:
            times.append(self._on_air[0])
        elif self._waiting:
            times.append(self._waiting[0])
        wake_ms = self.mind.wake_at()
        if wake_ms is not None:
            times.append(wake_ms)
        return min(times) if times else None

    def _step(self):
        """What is due first: the end of a frame, its beginning, an answer, or the alarm."""
        if self._on_air and self._on_air[0] <= self.now_ms:
            _, f_port, payload, confirmed = self._on_air
            self._on_air = None
            self.on_payload(f_port, payload)
            self.tell(Sent(f_port, self.acked if confirmed else None))
        elif self._waiting and not self._on_air and self._waiting[0] <= self.now_ms:
            self.tell(Woke())  # as a node does it: the mind hears everything first
            transmit = self._waiting[1]
            self._waiting = None
            transmit.hour_ms = self.hour_ms
            payload = transmit.compose(self.room, self.now_ms)
            assert 0 < len(payload) <= self.room
            self.payloads.append((self.now_ms, transmit.f_port, payload, transmit.confirmed))
            self._on_air = (self.now_ms + self.airtime_ms, transmit.f_port, payload, transmit.confirmed)
        else:
            for coming in self._coming:
                if coming[0] <= self.now_ms:
                    self._coming.remove(coming)
                    self.tell(coming[1])
                    return
            self.tell(Woke())

    def _do(self, action):
        if isinstance(action, Transmit):
            assert self._waiting is None, "one frame at a time"
            assert self._on_air is None, "one frame at a time"
            self._waiting = (self.now_ms + self.delay_ms, action)
        elif type(action).__name__ in ("AskTime", "AskLink", "JoinGroup", "UsePlan"):
            self.asked.append((self.now_ms, action))
        else:
            self.done.append((self.now_ms, action))
            if isinstance(action, Persist):
                self.persisted[action.key] = action.value
            elif isinstance(action, Sense):
                values = self.answers[action.set_number]
                if callable(values):
                    values = values(self.now_ms)
                self._coming.append((self.now_ms, Sensed(action.set_number, values)))
            else:
                assert not isinstance(action, (TakeReading, TellEvent)), "these stay in the mind"
                if isinstance(action, Restart):
                    self.power_up(reset_cause=3)
