"""Where a node's charge goes: a ledger of states, and a meter that watches a node and writes into it.

The meter stands between a node's core and its body. It sees every event and action with its time, so that what it books
is what mind and MAC really do: each frame's airtime at its power, each window's symbols, every wake-up. Between two
events the processor sleeps, deeply where that is worth a boot. `simulator/currents.py` has the figures.

Currents in µA, times in µs, sums in their product (pC): whole numbers, so the same run gives the same battery life.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from firmware.actions import CloseWindow, OpenWindow, Power, RadioTransmit, Sense
from firmware.events import FrameHeard, Transmitted, WindowClosed, Woke
from protocol.region import frame_airtime_us
from simulator.fleet.window import window_us

if TYPE_CHECKING:
    from firmware.node import Core

_PC_PER_UAS = 1_000_000
_YEAR_H = 8766


class State(Enum):
    """What charge is spent on."""

    DEEP_SLEEP = "deep sleep"
    LIGHT_SLEEP = "light sleep"
    BOOT = "boots"
    AWAKE = "awake"
    TRANSMIT = "transmit"
    RECEIVE = "receive"
    SENSORS = "sensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """rx_ua: while it listens. tx_ua: (dBm at the antenna's socket, µA), rising."""

    name: str
    rx_ua: int
    tx_ua: tuple[tuple[int, int], ...]

    def transmit_ua(self, dbm: int) -> int:
        """The current at *dbm*: on the line between two rows, beyond the table that of its last row."""
        low_dbm, low_ua = self.tx_ua[0]
        for high_dbm, high_ua in self.tx_ua:
            if dbm <= high_dbm:
                step_dbm = max(1, high_dbm - low_dbm)
                return low_ua + (high_ua - low_ua) * max(0, dbm - low_dbm) // step_dbm
            low_dbm, low_ua = high_dbm, high_ua
        return low_ua


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """active_ua, light_ua, deep_ua: the processor's. rest_ua: regulator, dividers and the sleeping radio, always.

    boot_uas: charge from deep sleep until the firmware goes on. wake_us: awake for an event that ends a light sleep.
    frame_us: awake to log, build, encrypt and hand over a frame. antenna_dbi: what EIRP is above the radio's power.
    """

    name: str
    radio: Radio
    active_ua: int
    light_ua: int
    deep_ua: int
    rest_ua: int
    boot_uas: int
    wake_us: int
    frame_us: int
    antenna_dbi: int

    @property
    def break_even_us(self) -> int:
        """The shortest sleep that is worth a boot."""
        return self.boot_uas * _PC_PER_UAS // (self.light_ua - self.deep_ua)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensors:
    """idle_ua: always. fan_ua: while `Power(PARTICLE_FAN)` is on. sense_us: the processor is awake for a `Sense`."""

    name: str
    sense_us: int
    idle_ua: int
    fan_ua: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """usable_per_mille: of the capacity, above the least voltage. cold_per_mille: of that, in the street's climate.

    leaks_per_mille: of the capacity, lost in a year by itself.
    """

    name: str
    capacity_mah: int
    usable_per_mille: int
    cold_per_mille: int = 1000
    leaks_per_mille: int = 0

    def years(self, mean_ua: int) -> float:
        """How long it feeds a node that takes *mean_ua*, 1 at least, on average."""
        usable_uah = self.capacity_mah * self.usable_per_mille * self.cold_per_mille // 1000
        leak_uah = self.capacity_mah * self.leaks_per_mille
        return usable_uah / (mean_ua * _YEAR_H + leak_uah)


class Ledger:
    """What a node on *board* has spent, by state."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._pc = dict.fromkeys(State, 0)

    def uas(self, state: State) -> int:
        """The charge that went into *state*, in µAs."""
        return self._pc[state] // _PC_PER_UAS

    def mean_ua(self, elapsed_us: int) -> int:
        """The average current of all that was spent in *elapsed_us*."""
        return sum(self._pc.values()) // elapsed_us

    def awake(self, time_us: int) -> None:
        """The processor runs."""
        self._pc[State.AWAKE] += (self._board.active_ua + self._board.rest_ua) * time_us

    def sleep(self, time_us: int, planned_us: int | None = None) -> None:
        """The processor slept in pieces of *planned_us* (None: in one), each deep if it is beyond the break-even."""
        board = self._board
        piece_us = time_us if planned_us is None else planned_us
        if piece_us <= board.break_even_us:
            self.doze(time_us)
            return
        self._pc[State.DEEP_SLEEP] += (board.deep_ua + board.rest_ua) * time_us
        self._pc[State.BOOT] += -(-time_us // piece_us) * board.boot_uas * _PC_PER_UAS

    def doze(self, time_us: int) -> None:
        """Light sleep, however long: something would be missed or lost in a deep one."""
        self._pc[State.LIGHT_SLEEP] += (self._board.light_ua + self._board.rest_ua) * time_us

    def transmit(self, time_us: int, eirp_dbm: int) -> None:
        """The radio sends; the processor's state is booked by itself, here and in `receive`."""
        self._pc[State.TRANSMIT] += self._board.radio.transmit_ua(eirp_dbm - self._board.antenna_dbi) * time_us

    def receive(self, time_us: int) -> None:
        """The radio listens."""
        self._pc[State.RECEIVE] += self._board.radio.rx_ua * time_us

    def sense(self, current_ua: int, time_us: int) -> None:
        """Sensors take *current_ua*."""
        self._pc[State.SENSORS] += current_ua * time_us


class EnergyMeter:
    """A core that hands everything to *core* and books what it costs; a body runs it in the node's place.

    sleep_us: when the sensors wake the node, so long after it fell asleep on average; None: only its own alarm does.
    Not counted: the first boot, and what lamps take.
    """

    def __init__(self, core: "Core", board: Board, sensors: Sensors, sleep_us: int | None = None) -> None:
        self.ledger = Ledger(board)
        self._core = core
        self._board = board
        self._sensors = sensors
        self._sleep_us = sleep_us
        self._now_ms = 0  # up to when all is booked
        self._alarm_ms: int | None = 0
        self._busy_us = 0  # work that the last event made, and that the time after it has to pay for
        self._sending = False
        self._window: OpenWindow | None = None
        self._fan = False

    def handle(self, event: object, now_ms: int) -> list[object]:
        """What *core* wants."""
        actions = self._core.handle(event, now_ms)
        early = isinstance(event, Woke) and (self._alarm_ms is None or now_ms < self._alarm_ms)
        if actions or not early:  # a fleet's body rings an alarm that was moved as well; a board's timer does not
            self.settle(now_ms)
            self._busy_us += self._board.wake_us
            self._hear(event, now_ms)
            for action in actions:
                self._book(action)
            self._alarm_ms = self._core.wake_at()
        return actions

    def wake_at(self) -> int | None:
        """When *core* wants to be woken."""
        return self._core.wake_at()

    def settle(self, now_ms: int) -> None:
        """Book what the time up to *now_ms* took."""
        gap_us = (now_ms - self._now_ms) * 1000
        awake_us = min(self._busy_us, gap_us)
        self._busy_us -= awake_us
        self.ledger.awake(awake_us)
        if self._sending or self._window is not None:
            self.ledger.doze(gap_us - awake_us)
        else:
            self.ledger.sleep(gap_us - awake_us, self._planned_us())
        if self._window is not None and not self._window.symbols:  # class C
            self.ledger.receive(gap_us)
        self.ledger.sense(self._sensors.idle_ua + (self._sensors.fan_ua if self._fan else 0), gap_us)
        self._now_ms = now_ms

    def _planned_us(self) -> int | None:
        """How long the node meant to sleep when it last fell asleep."""
        plans = [] if self._sleep_us is None else [self._sleep_us]
        if self._alarm_ms is not None:
            plans.append(max(1, (self._alarm_ms - self._now_ms) * 1000))
        return min(plans, default=None)

    def _hear(self, event: object, now_ms: int) -> None:
        if isinstance(event, Transmitted):
            self._sending = False
        elif self._window is not None and self._window.symbols:
            if isinstance(event, WindowClosed):
                self.ledger.receive(window_us(self._window))
                self._window = None
            elif isinstance(event, FrameHeard):
                self.ledger.receive((now_ms - self._window.open_ms) * 1000)
                self._window = None

    def _book(self, action: object) -> None:
        if isinstance(action, RadioTransmit):
            self._sending = True
            self._window = None
            self._busy_us += self._board.frame_us
            self.ledger.transmit(frame_airtime_us(action.dr, len(action.phy_payload)), action.power_dbm)
        elif isinstance(action, OpenWindow):
            self._window = action
        elif isinstance(action, CloseWindow):
            self._window = None
        elif isinstance(action, Sense):
            self._busy_us += self._sensors.sense_us
        elif isinstance(action, Power):
            self._fan = action.on
