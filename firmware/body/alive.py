"""The loop of a node: it carries out every action of mind, MAC and role, and feeds them what happens.

A turn does one thing: the radio's news, an event, a measurement that has time now, a wake that is due; when there is
none of these it looks at console, pins and lamps, and rests. How it rests:

- for windows and short waits in light sleep, which keeps the memory;
- beyond the board's break-even in deep sleep, from which it begins anew with images in RTC memory: most of the time to
  look at its sensors and no more (`glance.py`), for which the role alone is loaded;
- awake while a technician is there, and on boards whose light sleep does harm.

What a driver raises is a value that is not known, and the last error. What a core raises ends the run: `start.py`
keeps what and where, and restarts. A frame whose counter could not be persisted does not leave.
"""

from protocol.compat import const

from ..actions import (
    CloseWindow,
    Identify,
    OpenWindow,
    Persist,
    Power,
    RadioTransmit,
    Restart,
    Sense,
    SenseField,
    SenseLux,
    SetLamp,
    WatchField,
)
from ..boot import STRAIN, TRIAL, UNDONE, is_safe
from ..demand import forget
from ..events import FieldMoved, MotionSeen, PowerFailing, Sent, Transmitted, Woke
from ..glance import Glance, pack, role_part, unpack, with_role_part
from ..session import has_heard
from . import memory as rtc
from .being import Being
from .lamps import Lamps
from .senses import Senses

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from protocol.settings import Settings

    from ..mac import Mac
    from ..mind import Facts, Mind, Role
    from ..node import Core
    from .board import Board
    from .hardware import Hardware
    from .kept import Kept

_LIGHT = const(2)  # of `protocol/settings.py`
_CLASS_C = const(1)
_FIELD_MS = const(60)  # what a magnetometer takes at the most, and a photocell
_LUX_MS = const(200)
_LOOK_MS = const(100)  # at pins, while it is awake: no pin ends that
_MOTION_MS = const(5_000)  # between two of one movement
_FORGET_MS = const(1_000)  # a rest so long is worth loading again
_LONGEST_MS = const(43_200_000)  # in deep sleep: the trial and the strain of boot.py have days
_SETTLED_MS = const(86_400_000)
_IDLED_WELL_MS = const(600_000)  # a firmware on trial that does not sleep deep (`slots.py`)
_EMPTY_MV = const(3_000)  # for DevStatusAns: 1 and 254 (TS001-1.0.4 §5.5)
_FULL_MV = const(4_200)
_STATUS = const(3)  # FPort


class NodeBody(Being):
    """One node, from the start or from the wake on.

    core: what is driven: the whole node, or after deep sleep the role's part of it until mind or MAC are needed.
    """

    def __init__(
        self, hardware: "Hardware", kept: "Kept", memory: "rtc.Memory", settings: "Settings", board: "Board"
    ) -> None:
        from .wiring import Wiring

        slept = memory.kind == rtc.ASLEEP
        wiring = Wiring(hardware, board, not slept)
        wiring.switch_rail()
        # Lamps come first: whatever fails behind this, the street is lit.
        self._lamps = Lamps(hardware, wiring.gears() if settings.role == _LIGHT else [], memory.now_ms)
        decoder = None
        if settings.link:
            from protocol.envelope import Decoder

            decoder = Decoder()
            hardware.port.binary(True)
        super().__init__(hardware, kept, memory, board, wiring.led(), decoder)
        self._settings = settings.encode()
        self._boot = kept.number("boot")
        self._safe = is_safe(self._boot)
        self._deep_from_ms = board.number("sleep", "deep_from_ms")
        if settings.role == _LIGHT or settings.link or settings.device_class == _CLASS_C or self._safe:
            self._deep_from_ms = 0
        self._radio_pins = [] if settings.link else wiring.radio_pins()
        if settings.link:
            from .line import Line

            self._station: "Any" = Line(hardware.port, self.console, settings.dev_eui)
        else:
            from .station import ANTENNA_DBI, Station

            antenna_dbi = board.number("radio", "antenna_dbi", ANTENNA_DBI)
            looks = not (self._light and self._radio_pins)
            self._station = Station(hardware, self.clock, wiring.radio(), slept, antenna_dbi, looks)
        particles = wiring.particles()
        sensors = wiring.sensors()
        if particles is not None:
            sensors.append(wiring.sensor_of(particles))
        self._battery = wiring.battery()
        self._senses = Senses(hardware, sensors, wiring.fields(), wiring.photocell(), particles, memory.watched)
        self._senses.start_fields()
        self._motion = wiring.alarm("motion")
        self._motion_ms = 0
        self._mains = wiring.alarm("mains")
        self._failing = False
        self._held = wiring.held
        self._inbox: list[object] = [Woke()]
        self._errands: list[tuple[object, int]] = []  # what is measured when there is time, and how long it takes
        self._woke = Woke()
        self._wake_ms: int | None = None  # when the core wants to hear it
        self._heard_ms = memory.now_ms
        self._answered = False
        self._settle_ms = self._heard_ms - self._heard_ms % _SETTLED_MS + _SETTLED_MS
        self._born_ms = self._heard_ms
        self._mind: "Mind | None" = None
        self._mac: "Mac | None" = None
        self._facts: "Facts | None" = None
        self._role: "Role | None" = None
        self._images: tuple[int, bytes, bytes, bytes] = (0, b"", b"", b"")
        self._glance: Glance | None = None
        if self._senses.moved():
            self._inbox.append(FieldMoved())
        self._awaken(settings, memory)

    def turn(self) -> None:
        """Do one thing, or rest until there is one."""
        now_ms = self.clock.now_ms()
        news = self._station.poll(now_ms)
        if news is not None:
            self._hear(news[0], news[1])
        elif self._inbox:
            self._hear(self._inbox.pop(0), now_ms)
        elif self._errands and self._station.free_ms(now_ms) >= self._errands[0][1]:
            self._measure(self._errands.pop(0)[0])
        elif self._wake_ms is not None and self._wake_ms <= now_ms:
            self._hear(self._woke, now_ms)
        elif not self._look(now_ms):
            self._take_a_rest(now_ms)

    def states(self) -> "Iterator[str]":
        """What the technician's `status` shows."""
        yield from super().states()
        yield f"safe_mode: {'yes' if self._safe else 'no'}"
        yield f"on_trial: {'yes' if self._boot & TRIAL else 'no'}"
        yield f"battery_mv: {self._battery_mv()}"
        yield f"f_cnt_up_below: {self.kept.number('f_cnt_up')}"
        session = self.kept.blob("session")
        yield f"dev_addr: {'none' if len(session) < 5 else '%08x' % int.from_bytes(session[1:5], 'little')}"
        if self.log is not None:
            yield f"log_epoch: {self.log.epoch}"
            yield f"next_seq: {self.log.next_seq}"
        yield f"radio_failures: {self._station.failures}"
        yield f"lamps: {self._lamps.drives()}"

    def tests(self) -> "Iterator[tuple[str, str]]":
        """The self-test."""
        from protocol.settings import Settings

        from .selftest import keys, known

        settings = Settings.decode(self._settings)
        idle = settings.link or self._station.idle() or settings.device_class == _CLASS_C
        wrong = self._station.check() if idle else "is at work; ask again in ten seconds"
        yield "radio", wrong
        for sensor in self._senses.all():
            yield sensor[0], known(self._senses.read(sensor))
        for bay in range(self._senses.bays()):
            yield "field%d" % bay, "" if self._senses.field(bay).field else "does not answer"
        if self._photocell():
            yield "lux", "" if self._senses.lux().lux is not None else "does not answer"
        yield "keys", keys(self.kept, bool(settings.activation))
        yield from super().tests()

    def last_error(self) -> str:
        """Of a driver since the start, else of the run that an error or a hang ended."""
        if self._facts is not None and self._facts.last_error and not self.hardware.last_error:
            return self._facts.last_error
        return super().last_error()

    def restart(self) -> None:
        """Begin anew, in good order; a lamp goes on with what holds it."""
        image = b""
        if self._role is not None and not self._station.idle():
            image = self._role.image()  # of one that never sleeps
        if image:
            now_ms = self.clock.now_ms()
            rtc.write(self.hardware, rtc.RESTARTED, self.memory.cause, 0, now_ms, image)
        super().restart()

    # Who is driven.

    def _awaken(self, settings: "Settings", memory: "rtc.Memory") -> None:
        """The role alone after deep sleep, if that is enough for now; else the whole node."""
        if self._safe:
            self._become_whole(settings)
            return
        from .birth import role_of

        part = memory.image if memory.kind == rtc.RESTARTED and settings.role == _LIGHT else b""
        if memory.kind == rtc.ASLEEP:
            self._images = unpack(memory.image)
            part = role_part(self._images[1])
        self._role = role_of(settings, self.kept, part)
        if part and memory.kind == rtc.ASLEEP and memory.now_ms < self._images[0] and not self._boot & TRIAL:
            self._glance = Glance(self._role, self._images[0])
            self.core: "Core" = self._glance
        else:
            self._become_whole(settings)

    def _become_whole(self, settings: "Settings") -> None:
        """Make mind and MAC of their images, around the role as it is now."""
        from .birth import log_of, mac_of, mind_of, node_of

        _, mind, mac, log = self._images
        self._images = (0, b"", b"", b"")
        self._glance = None
        self.log = log_of(self.hardware.root + "/log", log)
        last_error = super().last_error()
        if self._boot & UNDONE:
            last_error = "update undone"
        self._mind, self._facts = mind_of(
            self._role, self.log, settings, self.kept, mind, self.memory.cause, last_error, self._vitals
        )
        board = self.board
        assert board is not None
        most_dbm = board.number("radio", "max_dbm", 20) + board.number("radio", "antenna_dbi", 2)
        most_dbm += board.number("radio", "gain_db")
        self._mac = mac_of(settings, self.kept, mac, most_dbm, self._battery_level)
        seen: "Core" = self._mind
        if self._boot & UNDONE:
            seen = _Witness(self._mind, self)
        self.core = node_of(seen, self._mac)

    # What happens.

    def _hear(self, event: object, at_ms: int) -> None:
        """Let the core hear it, and do what it wants. Cores know no time that goes back."""
        at_ms = self._heard_ms = max(at_ms, self._heard_ms)
        self._do(self.core.handle(event, at_ms), at_ms)
        glance = self._glance
        if glance is not None and glance.needs_node(at_ms):
            from protocol.settings import Settings

            self._become_whole(Settings.decode(self._settings))
            assert self._mind is not None
            actions: list[object] = []
            self._mind.carry_out(glance.wanted, actions, at_ms)
            self._do(actions, at_ms)
            self._inbox.insert(0, self._woke)
        # Asked once: a core changes only as it hears something, and asking may load what joins.
        self._wake_ms = self.core.wake_at()

    def _do(self, actions: list[object], now_ms: int) -> None:
        """Carry out a list of actions, in its order."""
        kept = True
        for action in actions:
            if isinstance(action, RadioTransmit):
                if kept:
                    self._station.transmit(action, now_ms)
                else:  # its counter or nonce may come again: to the MAC this is a frame that nobody heard
                    self._inbox.append(Transmitted())
            elif isinstance(action, OpenWindow):
                self._station.open(action, now_ms)
            elif isinstance(action, CloseWindow):
                self._station.close()
            elif isinstance(action, Persist):
                if self._boot & TRIAL:
                    self._judge(action.key, action.value)
                if not self.kept.put(action.key, action.value):
                    kept = False
                    self.hardware.last_error = "nvs " + action.key
            elif isinstance(action, Sense):
                self._errands.append((action, self._senses.cost_ms(action.set_number)))
            elif isinstance(action, SenseField):
                self._errands.append((action, _FIELD_MS))
            elif isinstance(action, SenseLux):
                self._errands.append((action, _LUX_MS))
            elif isinstance(action, WatchField):
                self._errands.append((action, _FIELD_MS))
            elif isinstance(action, Power):
                self._senses.power_fan(action.on)
            elif isinstance(action, SetLamp):
                self._lamps.set(action, now_ms)
            elif isinstance(action, Identify):
                self.blinker.identify(action.seconds, now_ms)
            elif isinstance(action, Restart):
                self.restart()

    def _measure(self, errand: object) -> None:
        if isinstance(errand, SenseField):
            self._inbox.append(self._senses.field(errand.bay))
        elif isinstance(errand, Sense):
            self._inbox.append(self._senses.sense(errand.set_number))
        elif isinstance(errand, WatchField):
            self._senses.watch(errand.bay, errand.threshold_dut)
        else:
            self._inbox.append(self._senses.lux())

    def _look(self, now_ms: int) -> bool:
        """Look at what tells nobody by itself; whether there was something."""
        busy = self.tend(now_ms)
        self._inbox += self._lamps.step(now_ms)
        if self._senses.watched and self._senses.moved():
            self._inbox.append(FieldMoved())
        if _is_on(self._motion) and now_ms >= self._motion_ms:
            self._motion_ms = now_ms + _MOTION_MS
            self._inbox.append(MotionSeen())
        failing = _is_on(self._mains)
        if failing and not self._failing:
            self._inbox.append(PowerFailing())
        self._failing = failing
        self._share_error()
        return busy or bool(self._inbox)

    def _share_error(self) -> None:
        if self.hardware.last_error is not None and self._facts is not None:
            self._facts.last_error = self.hardware.last_error

    # How it rests.

    def _take_a_rest(self, now_ms: int) -> None:
        self._keep_house(now_ms)
        until_ms = self._wake_ms
        if self._may_sleep_deep(now_ms, until_ms):
            self._sleep_deep(now_ms, until_ms)
        awake = self.console.listens(now_ms)
        pins = self._wake_pins()
        looks_ms = now_ms + _LOOK_MS if awake and pins else None
        for next_ms in (self._station.next_ms(now_ms, awake), self._lamps.next_ms(now_ms), looks_ms):
            if next_ms is not None and (until_ms is None or next_ms < until_ms):
                until_ms = next_ms
        if _is_on(self._motion) and (until_ms is None or self._motion_ms < until_ms):
            until_ms = self._motion_ms
        if self._errands:  # which wait for the radio
            until_ms = min(now_ms + self._station.free_ms(now_ms) + 1, now_ms if until_ms is None else until_ms)
        if until_ms is None or until_ms - now_ms >= _FORGET_MS:
            forget()
        self.rest(now_ms, until_ms, pins)

    def _wake_pins(self) -> "tuple[Any, ...]":
        """The pins that are low now and whose rise is news."""
        pins = self._radio_pins + self._senses.watch_pins()
        for alarm in (self._motion, self._mains):
            if alarm is not None and alarm[1] and not alarm[0].value():
                pins.append(alarm[0])
        return tuple(pins)

    def _may_sleep_deep(self, now_ms: int, until_ms: int | None) -> bool:
        """Whether nothing is under way that a restart would lose, and the wait is worth a boot."""
        return (
            self._deep_from_ms > 0
            and (until_ms is None or until_ms - now_ms >= self._deep_from_ms)
            and self._station.idle()
            and not self._errands
            and not self._senses.fan_on
            and not self.console.listens(now_ms)
            and self.blinker.next_ms(now_ms) is None
        )

    def _sleep_deep(self, now_ms: int, until_ms: int | None) -> None:
        """Put all there is into RTC memory and sleep; comes back only if that has no room for it."""
        image = self._image()
        if not rtc.fits(image):
            self.hardware.last_error = "image too long"
            return
        self._rest_in_order()
        self._station.sleep()
        pins = self._senses.watch_pins()
        self.wake_by(tuple(pins))
        for pin in self._held:
            pin.init(hold=True)
        self.hardware.esp32.gpio_deep_sleep_hold(True)
        now_ms = self.clock.now_ms()
        wait_ms = _LONGEST_MS if until_ms is None else min(max(until_ms - now_ms, 1), _LONGEST_MS)
        rtc.write(self.hardware, rtc.ASLEEP, self.memory.cause, self._senses.watched, now_ms, image)
        self.hardware.machine.deepsleep(wait_ms)

    def _image(self) -> bytes:
        if self._glance is not None:
            assert self._role is not None
            wake_ms, mind, mac, log = self._images
            return pack(wake_ms, with_role_part(mind, self._role.image()), mac, log)
        assert self._mind is not None
        assert self._mac is not None
        assert self.log is not None
        times = [time_ms for time_ms in (self._mind.own_wake_at(), self._mac.wake_at()) if time_ms is not None]
        return pack(min(times) if times else None, self._mind.image(), self._mac.image(), self.log.image())

    # Two firmwares, and the way back.

    def _judge(self, key: str, value: int | bytes) -> None:
        """Whether what is about to be persisted says that the network has answered."""
        came = key == "session" and isinstance(value, bytes) and has_heard(self.kept.blob(key), value)
        self._answered = self._answered or came or key == "join_nonce"

    def status_told(self) -> None:
        """A status has gone, and has said that an update was taken back."""
        if self._boot & UNDONE:
            from ..store.slots import Slots

            self._carry_all(Slots(self._boot, self.kept.number("floor")).undone_told())

    def _keep_house(self, now_ms: int) -> None:
        """Days in good order, a trial that ends."""
        if self._boot & TRIAL:
            if self._answered and now_ms - self._born_ms >= _IDLED_WELL_MS:
                self._rest_in_order()
            elif now_ms >= _SETTLED_MS:
                from ..store.slots import Slots

                self._carry_all(Slots(self._boot, self.kept.number("floor")).give_up())
                self.hardware.machine.reset()
        if now_ms >= self._settle_ms:
            self._settle_ms = now_ms + _SETTLED_MS
            self.kept.erase("error")
            if self._boot >= STRAIN:
                from ..store.slots import Slots

                self._carry_all(Slots(self._boot, self.kept.number("floor")).settled())
                if self._safe:
                    self.restart()

    def _rest_in_order(self) -> None:
        """A firmware on trial to which the network has answered is confirmed as it comes to rest."""
        if not (self._boot & TRIAL and self._answered):
            return
        from ..store.slots import Slots
        from .trial import floor_of

        slots = Slots(self._boot, self.kept.number("floor"))
        slots.answered()
        self._carry_all(slots.rested(floor_of(self.hardware, self.kept, self._boot)))

    def _carry_all(self, actions: "list[Any]") -> None:
        for action in actions:
            if self.carry(action) and action.key == "boot":
                self._boot = action.value

    # Small things.

    def _vitals(self) -> tuple[int | None, int | None]:
        return self._battery_mv(), self.hardware.heap_free()

    def _battery_mv(self) -> int | None:
        if self._battery is None:
            return None
        try:
            found: int | None = self._battery.millivolts()
        except Exception as error:
            self.hardware.report("battery", error)
            return None
        return found

    def _battery_level(self) -> int:
        """What DevStatusAns tells: 1..254, 255 for not known."""
        found = self._battery_mv()
        if found is None:
            return 255
        return min(max((found - _EMPTY_MV) * 253 // (_FULL_MV - _EMPTY_MV) + 1, 1), 254)

    def _photocell(self) -> bool:
        return self.board is not None and self.board.part("lux") is not None


class _Witness:
    """A mind whose status says that an update was taken back; once that is told, the body hears of it."""

    def __init__(self, mind: "Mind", body: NodeBody) -> None:
        self._mind = mind
        self._body = body

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Let the mind hear it."""
        if isinstance(event, Sent) and event.f_port == _STATUS:
            self._body.status_told()
        return self._mind.handle(event, now_ms)

    def wake_at(self) -> int | None:
        """The mind's."""
        return self._mind.wake_at()


def _is_on(alarm: "tuple[Any, int] | None") -> bool:
    return alarm is not None and alarm[0].value() == alarm[1]
