"""A node of the fleet: one piece of hardware whose power comes and goes, and the firmware that runs on it."""

import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from firmware.boot import DEEP_SLEEP, HARD, ORDERLY, POWER_ON, WATCHDOG
from firmware.roles.field import FieldDetector
from firmware.roles.setpoint import LOGARITHMIC
from firmware.roles.verdict import Verdict
from firmware.store.log import Record
from protocol import cbor
from protocol.civil import to_gps
from simulator.air.interface import Air
from simulator.fleet.births import Firmware, Kit, whole_core
from simulator.fleet.body import Body
from simulator.fleet.clock import NodeClock
from simulator.fleet.ears import Ears
from simulator.fleet.hardware import Hardware, Sensing
from simulator.fleet.network import QuietNetwork, WarmSession, Windows
from simulator.fleet.rehearsal import LEAST_S, QuietAir, history
from simulator.fleet.senses import BayStimulus, LampStimulus, Stimulus
from simulator.fleet.watcher import Cause, Watcher
from simulator.streams import Stream
from simulator.timeline import Timeline

if TYPE_CHECKING:
    from firmware.node import Core

GASP_US = 200_000  # from the mains' end until the capacitors are empty; a frame at DR5 takes 100 ms
BOOT_US = 700_000  # MicroPython's start
WATCHDOG_US = 60_000_000  # as firmware/boot.py sets it
DEEP_AFTER_MS = 103_000  # the shortest sleep that is worth a boot, on the board that is usual (`simulator/energy`)
_CAUSES = {Cause.POWER: POWER_ON, Cause.RESTART: HARD, Cause.WATCHDOG: WATCHDOG}
_DAY_S = 86_400
_HURRY_S = 15  # over which a node spreads its first words before the run
_NEVER_S = 1 << 40
_SLOWER = (6, 4, 2, 1, 1, 1, 1, 1)  # by the fastest data rate: duty cycle lets a life begin no sooner
_INSTALLED_DUT = (150, 50, 180)  # thresholds: they do not matter where nothing moves
_SAMPLES = 11  # of an empty bay, as the installer has the node take them


class FleetNode:
    """One node. dead: why it does nothing any more, None while it lives. warm: what it and its network share, if so.

    delay_us: from the mains' return until its electronics run. by_images, core_of: see `Fleet`.

    Implements `simulator.fleet.body.Keeper`; faults act on it by its methods.
    """

    __slots__ = (
        "_air",
        "_blocked",
        "_body",
        "_by_images",
        "_core_of",
        "_delay_us",
        "_ears",
        "_gear",
        "_lamp",
        "_mains",
        "_sleep_ppm",
        "_start_s",
        "_starts",
        "_stimulus",
        "_timeline",
        "_watcher",
        "dead",
        "firmware",
        "hardware",
        "kit",
        "name",
        "warm",
    )

    def __init__(
        self,
        kit: Kit,
        timeline: Timeline,
        air: Air,
        stimulus: Stimulus,
        start_s: int,
        watcher: Watcher,
        ears: Ears | None = None,
        delay_us: int = 0,
        by_images: bool = False,
        core_of: "Callable[[Firmware], Core]" = whole_core,
    ) -> None:
        self.kit = kit
        self.name = kit.spec.name
        self.hardware = Hardware()
        self.firmware: Firmware | None = None
        self.dead: str | None = None
        self.warm: WarmSession | None = None
        self._timeline = timeline
        self._air = air
        self._stimulus = stimulus
        self._lamp = stimulus if isinstance(stimulus, LampStimulus) else None
        self._start_s = start_s
        self._watcher = watcher
        self._by_images = by_images
        self._core_of = core_of
        self._delay_us = delay_us
        self._ears = ears
        self._sleep_ppm = kit.spec.sleep_ppm
        self._body: Body | None = None
        self._gear = self._lamp is not None and kit.settings().dimming_curve == LOGARITHMIC
        self._mains = True
        self._blocked = 0  # faults that keep it without power
        self._starts = 0  # how often it was to start: one that was overtaken does not
        if isinstance(stimulus, BayStimulus):
            self.hardware.persisted["bays"] = _installed(stimulus, kit.spec.bays)

    @property
    def runs(self) -> bool:
        """Whether its firmware does."""
        return self._body is not None

    # How its life begins.

    def switch_on(self, time_us: int) -> None:
        """The first power of its life comes at *time_us*."""
        self._follow_street()
        self._start(time_us, Cause.POWER)

    def rehearse(self, dice: Stream, dev_addr: int, windows: Windows, bears: tuple[int, int] | None) -> None:
        """Let it live before the run, as `rehearsal.py` says, and go on in the street from now, which is 0.

        bears: the data rate and TXPower to which ADR brings it, None for those it begins with.
        """
        spec = self.kit.spec
        since_s = LEAST_S * _SLOWER[self.kit.plan.max_dr] + dice.uniform(0, spec.interval_s)
        begin_us = -int(since_s * 1_000_000)
        timeline = Timeline()
        timeline.now_us = begin_us
        network = QuietNetwork(self.kit.app_key, self.kit.plan, dev_addr, windows, bears, to_gps(0, self._start_s))
        first_ms = int(since_s * 1000) + dice.below(spec.interval_s * 1000)
        firmware = Firmware(replace(self.kit, first_ms=first_ms), self.hardware, _untold, spread_s=_HURRY_S)
        for answer in history(
            dice, self._start_s, since_s, spec.clock_ppm if self._lamp is not None else self._sleep_ppm
        ):
            firmware.mind.clock.answered(*answer)
        period_ms = firmware.mind.status.period_ms
        firmware.mind.status.period_ms = int((since_s + dice.uniform(0, _DAY_S)) * 1000)
        body = self._embody(firmware, begin_us, timeline, QuietAir(timeline, network), None)
        body.boot(begin_us)
        timeline.run(self._timeline.now_us)
        firmware = self.firmware or firmware  # it may have slept, or died
        firmware.mind.status.period_ms = period_ms
        self.warm = network.session(firmware.log.epoch, firmware.log.next_seq)
        assert self.dead or (self.warm and not firmware.log.epoch_is_new), f"{self.name} has not come to life in time"
        firmware.log.logged = self._took
        self._body = body
        body.move(self._timeline, self._air, self._ears)
        self._follow_street()

    def _follow_street(self) -> None:
        """Hear of the mains and of people."""
        if self._lamp is None:
            return
        mains = self._lamp.mains
        if mains is not None:
            self._mains = mains.on(self._time_s())
            if not self._mains:
                self._stop()
            self._await_mains()
        self._await_motion()

    # What happens to it.

    def lose_power(self) -> None:
        """A fault takes its power, whatever it lives on; each needs its own `regain_power`."""
        self._blocked += 1
        if self._blocked == 1 and self._mains:
            self._fail()

    def regain_power(self) -> None:
        """A fault that took its power is over."""
        self._blocked -= 1
        if self._powered():
            self._start(self._timeline.now_us + self._delay_us, Cause.POWER)

    def brown_out(self) -> None:
        """Its power sags for a moment: what is in RAM is lost."""
        if self._body is not None:
            self._stop()
            self._start(self._timeline.now_us + BOOT_US, Cause.POWER)

    def hang(self) -> None:
        """Its firmware does nothing until the watchdog bites."""
        if self._body is not None:
            self._stop()
            self._start(self._timeline.now_us + WATCHDOG_US + BOOT_US, Cause.WATCHDOG)

    def settle(self) -> None:
        """Book what goes on up to now in its hardware's tally."""
        if self._body is not None:
            self._body.settle()

    def drift(self, sleep_ppm: int | None) -> None:
        """Its sleep clock gains so much from now on; None: as much as the scenario has it."""
        self._sleep_ppm = self.kit.spec.sleep_ppm if sleep_ppm is None else sleep_ppm
        if self._body is not None:
            self._body.drift(self._sleep_ppm)

    def warm_crystal(self, awake_ppm: int) -> None:
        """Its crystal gains so much from now on: it is summer, or winter."""
        if self._body is not None:
            self._body.warm_crystal(awake_ppm)

    def sense(self, sensing: Sensing) -> None:
        """Its sensors do so from now on."""
        self.hardware.sensing = sensing

    def wear(self, share: float, dice: Stream | None) -> None:
        """Its flash refuses this *share* of writes to the log from now on, by *dice*; None: none any more."""
        self.hardware.files.refuses = None if dice is None else partial(dice.chance, share)

    def tear(self) -> None:
        """The power goes in the middle of its next write to the log, and comes back."""
        self.hardware.files.tears = True

    # What its body says.

    def cut(self) -> None:
        """The power went in the middle of a write."""
        self.brown_out()

    def restart(self) -> None:
        """An order restarts it; boot.py is told that it is on purpose."""
        boot = self.hardware.persisted.get("boot", 0)
        assert isinstance(boot, int)
        self.hardware.persisted["boot"] = boot | ORDERLY
        self._stop()
        self._start(self._timeline.now_us + BOOT_US, Cause.RESTART)

    def slept(self, core: "Core") -> "Core":
        """It falls into a deep sleep; where that is to be lived through, all of it is made anew from RTC memory."""
        firmware = self.firmware
        if not self._by_images or firmware is None:
            return core
        self.firmware = Firmware(self.kit, self.hardware, firmware.log.logged, DEEP_SLEEP, memory=firmware.memory())
        return self._core_of(self.firmware)

    def died(self, error: Exception) -> None:
        """Its mind or MAC raised."""
        place = traceback.extract_tb(error.__traceback__)[-1]
        self.dead = f"{type(error).__name__}: {error} ({place.filename}, line {place.lineno}, in {place.name})"
        self._stop()
        self._watcher.died(self.name, self._timeline.now_us, self.dead)

    def lamp_set(self, head: int, level_pct: int, fade_s: int) -> None:
        """It told a lamp."""
        self._watcher.lamp_set(self.name, self._timeline.now_us, head, level_pct, fade_s)

    # Its power.

    def _powered(self) -> bool:
        return self._mains and not self._blocked and self.dead is None

    def _start(self, time_us: int, cause: Cause) -> None:
        self._starts += 1
        self._timeline.at(time_us, partial(self._begin, self._starts, cause))

    def _begin(self, start: int, cause: Cause) -> None:
        """The firmware starts, unless that was overtaken."""
        if start != self._starts or not self._powered() or self._body is not None:
            return
        now_us = self._timeline.now_us
        self._watcher.booted(self.name, now_us, cause)
        try:
            firmware = Firmware(self.kit, self.hardware, self._took, _CAUSES[cause])
        except Exception as error:  # as any other of its errors: the node is dead, the run goes on
            self.died(error)
            return
        self._body = self._embody(firmware, now_us, self._timeline, self._air, self._ears)
        self._body.boot(now_us)

    def _embody(self, firmware: Firmware, now_us: int, timeline: Timeline, air: Air, ears: Ears | None) -> Body:
        self.firmware = firmware
        spec = self.kit.spec
        return Body(
            self.name,
            self._core_of(firmware),
            timeline,
            air,
            self._stimulus,
            self._start_s,
            hardware=self.hardware,
            clock=NodeClock(now_us, 0, spec.clock_ppm, self._sleep_ppm),
            deep_after_ms=None if self._lamp is not None else DEEP_AFTER_MS,
            ears=ears,
            keeper=self,
            gear=self._gear,
            latency=self.kit.latency,
        )

    def _fail(self) -> None:
        """The power goes: mains leave a moment for a last word."""
        if self._body is None or self._lamp is None:
            self._stop()
            return
        self._body.lose_mains()
        self._timeline.at(self._timeline.now_us + GASP_US, self._gasped)

    def _gasped(self) -> None:
        if not self._powered():
            self._stop()

    def _stop(self) -> None:
        """The firmware stops where it is."""
        self._starts += 1
        if self._body is None:
            return
        self._body.off()
        self._body = self.firmware = None
        now_us = self._timeline.now_us
        if self._lamp is not None and not self._powered():
            self._lamp.power_gone(self._time_s())
            for head in self.hardware.lamps:
                self._watcher.lamp_set(self.name, now_us, head, 0, 0)
        self._watcher.power_gone(self.name, now_us)

    def _await_mains(self) -> None:
        assert self._lamp is not None
        assert self._lamp.mains is not None
        change_s = self._lamp.mains.next_change_s(self._time_s())
        if change_s < _NEVER_S:
            self._timeline.at(self._at_us(change_s), self._switch)

    def _switch(self) -> None:
        """The mains come or go."""
        assert self._lamp is not None
        assert self._lamp.mains is not None
        on = self._lamp.mains.on(self._time_s())
        if on != self._mains:
            self._mains = on
            if self._blocked == 0:
                if on:
                    self._start(self._timeline.now_us + self._delay_us, Cause.POWER)
                else:
                    self._fail()
        self._await_mains()

    def _await_motion(self) -> None:
        assert self._lamp is not None
        motion_s = self._lamp.next_motion_s(self._time_s())
        if motion_s is not None:
            self._timeline.at(self._at_us(motion_s), self._see_motion)

    def _see_motion(self) -> None:
        if self._body is not None:
            self._body.see_motion()
        self._await_motion()

    # The rest.

    def _took(self, epoch: int, record: Record, kept: bool) -> None:
        self._watcher.took(self.name, self._timeline.now_us, epoch, record, kept)

    def _time_s(self) -> float:
        return self._start_s + self._timeline.now_us / 1_000_000

    def _at_us(self, time_s: float) -> int:
        """A moment of the street, later than now; what begins then has begun, whatever floats make of it."""
        return max(self._timeline.now_us, int((time_s - self._start_s) * 1_000_000)) + 2


def _untold(epoch: int, record: Record, kept: bool) -> None:
    """What a node takes before the run is nobody's business."""


def _installed(stimulus: BayStimulus, bays: int) -> bytes:
    """What a node keeps of its bays as its installer left it: the field of each without a car."""
    kept = []
    for bay in range(bays):
        detector = FieldDetector(Verdict(*_INSTALLED_DUT))
        for sample in range(_SAMPLES):
            detector.sample(stimulus.empty_field(bay), None, sample)
        kept.append(detector.kept())
    return cbor.encode(kept)
