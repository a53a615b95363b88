"""Multicast: one frame for a street, sent by as few radios as reach all members, one radio after the other.

The same bytes go out from each radio, so that a member in reach of two hears it once and refuses the copy. A group's
counters are reserved in blocks as a session's are, and a frame may wait for that.
"""

from collections.abc import Callable

from gateway.links.link import Outcome, TransmitResult
from gateway.network.commits import RETRY_COMMIT_MS, Stream
from gateway.network.downlinks import MAX_WAITING, Queue, Waiting
from gateway.network.events import Downlink, Effect, Fate, FateOf
from gateway.network.registration import Group
from gateway.network.scheduling import CABLE_DR, Booking, Radios, Window
from gateway.network.session import RESERVED
from gateway.network.timers import Timers
from gateway.store.writes import KeepGroupCounter
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.multicast import mc_session_keys
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.region import max_payload

_RETRY_MS = 2_000  # when no radio may send now
_GAP_MS = 50  # between two radios, so that a member in reach of both never hears them at once
_LAST_F_PORT = 223


class _Run:
    """One frame on its way through the radios: those left; token: of the one that sends now."""

    __slots__ = ("booking", "item", "phy_payload", "radio", "radios", "sent", "token")

    def __init__(self, item: Waiting, phy_payload: bytes, radios: list[str]) -> None:
        self.item = item
        self.phy_payload = phy_payload
        self.radios = radios
        self.sent = False
        self.token = 0
        self.radio = ""
        self.booking: Booking | None = None


class Street:
    """A group and what waits for it; counters as in `Session`."""

    __slots__ = (
        "f_cnt_down",
        "group",
        "keys",
        "not_before_ms",
        "queue",
        "reserved",
        "reserving",
        "run",
        "timer_ms",
        "waits",
    )

    def __init__(self, group: Group) -> None:
        self.group = group
        self.keys = SessionKeys(*mc_session_keys(group.mc_key, group.mc_addr))
        self.f_cnt_down = self.reserved = self.reserving = group.f_cnt_down
        self.queue = Queue()
        self.run: _Run | None = None
        self.waits = 0
        self.not_before_ms = 0
        self.timer_ms: int | None = None


class Groups:
    """All groups by number. radios_of: the radios that heard a member last, none if nobody knows."""

    def __init__(
        self,
        radios: Radios,
        stream: Stream,
        radios_of: Callable[[bytes], tuple[str, ...]],
        next_token: Callable[[], int],
    ) -> None:
        self._radios = radios
        self._stream = stream
        self._radios_of = radios_of
        self._next_token = next_token
        self._streets: dict[int, Street] = {}
        self._flights: dict[int, Street] = {}
        self._timers: Timers[Street] = Timers()
        self.fates: list[Fate] = []
        self.addresses: set[int] = set()

    def set(self, group: Group) -> None:
        """Make or change a group; under the same key its counter never goes back."""
        street = self._streets.get(group.number)
        if street is None or (street.group.mc_key, street.group.mc_addr) != (group.mc_key, group.mc_addr):
            fresh = Street(group)
            if street is not None:  # a frame under way goes on from there
                fresh.queue, street.queue = street.queue, fresh.queue
                self._timers.set(fresh, street.timer_ms)
            self._streets[group.number] = fresh
        else:
            street.group = group
        self.addresses = {street.group.mc_addr for street in self._streets.values()}

    def enqueue(self, downlink: Downlink, now_ms: int, out: list[Effect]) -> None:
        """Let it wait for its turn, unless it never can have one."""
        assert isinstance(downlink.target, int)
        street = self._streets.get(downlink.target)
        reason = _impossible(downlink, street)
        if reason or street is None:
            self._fate(downlink, FateOf.IMPOSSIBLE, reason)
            return
        street.queue.add(Waiting(downlink))
        self._go_on(street, now_ms, out)

    def cancel(self, ref: int) -> None:
        """Forget the downlink with this ref, if no radio sent it yet."""
        for street in self._streets.values():
            run = street.run
            if run is not None and run.item.downlink.ref == ref and not run.sent and not run.token:
                street.run = None
            for item in street.queue.items:
                if item.downlink.ref == ref:
                    street.queue.drop(item)
                    return

    def next_at(self) -> int | None:
        """When `wake` wants to be called."""
        return self._timers.next_at()

    def wake(self, now_ms: int, out: list[Effect]) -> None:
        """Do what is due."""
        while (street := self._timers.due(now_ms)) is not None:
            self._go_on(street, now_ms, out)

    def result(self, result: TransmitResult, now_ms: int, out: list[Effect]) -> None:
        """What a radio says of one of these transmissions."""
        street = self._flights.pop(result.token, None)
        if street is None:
            return
        run = street.run
        if run is not None and run.token == result.token and run.booking is not None:
            run.token = 0
            if result.outcome in (Outcome.SENT, Outcome.NO_ANSWER):
                run.sent = True
                street.not_before_ms = run.booking.end_ms + _GAP_MS
            else:
                self._radios.refused(run.radio, run.booking, result.outcome)
                run.radios.append(run.radio)
                street.not_before_ms = now_ms + _RETRY_MS
        self._go_on(street, now_ms, out)

    def _go_on(self, street: Street, now_ms: int, out: list[Effect]) -> None:
        for item in street.queue.expire(now_ms):
            self._fate(item.downlink, FateOf.EXPIRED, "it could not go in time")
        self._finish(street, now_ms)
        ready = street.queue.items and street.waits <= self._stream.done and now_ms >= street.not_before_ms
        if street.run is None and ready:
            self._begin(street, out)
        run = street.run
        if run is not None and not run.token and now_ms >= street.not_before_ms:
            self._send(street, run, now_ms, out)
        self._set_timer(street, now_ms)

    def _finish(self, street: Street, now_ms: int) -> None:
        """The frame went through all its radios, or its time is over."""
        run = street.run
        if run is None or run.token:
            return
        if not run.radios or run.item.downlink.expires_ms <= now_ms:
            street.run = None
            if run.sent:
                self._fate(run.item.downlink, FateOf.SENT, "")
            else:
                self._fate(run.item.downlink, FateOf.EXPIRED, "no radio could send it in time")

    def _begin(self, street: Street, out: list[Effect]) -> None:
        radios = self._cover(street.group)
        if not radios:
            return
        if street.f_cnt_down >= street.reserved:
            step = _Reserved(self, street)
            write = KeepGroupCounter(street.group.number, street.reserving)
            street.waits = self._stream.commit((write,), True, step, out)
            return
        item = street.queue.items.pop(0)
        downlink, group = item.downlink, street.group
        f_cnt = street.f_cnt_down
        street.f_cnt_down += 1
        phy_payload = seal_data(street.keys, DOWNLINK, group.mc_addr, f_cnt, downlink.f_port, downlink.payload)
        street.run = _Run(item, phy_payload, radios)

    def _send(self, street: Street, run: _Run, now_ms: int, out: list[Effect]) -> None:
        """Let the first of the radios left that may send now do so."""
        for name in run.radios:
            window = Window(name, None, None, street.group.freq_hz, street.group.dr)
            if name.startswith("cable:"):
                window = Window(name, None, None, 0, CABLE_DR)
            booking = self._radios.book(window, len(run.phy_payload), now_ms)
            if booking is not None:
                run.radios.remove(name)
                run.radio, run.booking, run.token = name, booking, self._next_token()
                self._flights[run.token] = street
                out.append(self._radios.transmit(window, booking, run.phy_payload, run.token))
                return
        street.not_before_ms = now_ms + _RETRY_MS

    def _cover(self, group: Group) -> list[str]:
        """Few radios that reach every member: greedily the one that reaches most of those left.

        As long as nobody knows who hears some member, all radios send.
        """
        left: list[set[str]] = []
        for dev_eui in group.members:
            heard_by = {name for name in self._radios_of(dev_eui) if self._radios.is_online(name)}
            if not heard_by:
                left = []
                break
            left.append(heard_by)
        if not left:
            return self._radios.online()
        cover = []
        while left:
            counts: dict[str, int] = {}
            for heard_by in left:
                for name in heard_by:
                    counts[name] = counts.get(name, 0) + 1
            name = min(counts, key=lambda radio: (-counts[radio], radio))
            cover.append(name)
            left = [heard_by for heard_by in left if name not in heard_by]
        return cover

    def _set_timer(self, street: Street, now_ms: int) -> None:
        times = [item.downlink.expires_ms for item in street.queue.items]
        run = street.run
        if run is not None and not run.token:
            times += (max(street.not_before_ms, now_ms + 1), run.item.downlink.expires_ms)
        elif run is None and street.queue.items and street.waits <= self._stream.done:
            times.append(street.not_before_ms if street.not_before_ms > now_ms else now_ms + _RETRY_MS)  # no radio
        self._timers.set(street, min(times, default=None))

    def _fate(self, downlink: Downlink, fate: FateOf, detail: str) -> None:
        self.fates.append(Fate(ref=downlink.ref, fate=fate, detail=detail))

    def again(self, street: Street, now_ms: int) -> None:
        """Its counters could not be written: try later."""
        self._timers.set(street, now_ms + RETRY_COMMIT_MS)

    def go_on(self, street: Street, now_ms: int, out: list[Effect]) -> None:
        """Its counters are on disk."""
        if self._streets.get(street.group.number) is street:
            self._go_on(street, now_ms, out)


class _Reserved:
    """The step of a commit that reserves a group's counters."""

    def __init__(self, groups: Groups, street: Street) -> None:
        self._groups = groups
        self._street = street
        self._before = street.reserving
        street.reserving = self._reserving = street.f_cnt_down + RESERVED

    def undo(self, now_ms: int) -> None:
        self._street.reserving = self._before
        self._street.waits = 0
        self._groups.again(self._street, now_ms)

    def done(self, now_ms: int, out: list[Effect]) -> None:
        self._street.reserved = max(self._street.reserved, self._reserving)
        self._groups.go_on(self._street, now_ms, out)


def _impossible(downlink: Downlink, street: Street | None) -> str:
    """Why this can never be sent, in a sentence; empty if it can."""
    if street is None:
        return f"there is no group {downlink.target!r}"
    if downlink.confirmed:
        return "a group cannot confirm: many would answer at once (TS001-1.0.4 §9.3)"
    if not 1 <= downlink.f_port <= _LAST_F_PORT:
        return f"FPort is {downlink.f_port}; expected 1..{_LAST_F_PORT}"
    room = max_payload(street.group.dr)
    if len(downlink.payload) > room:
        return f"the payload has {len(downlink.payload)} bytes; the group's data rate carries at most {room}"
    if street.queue.full():
        return f"{MAX_WAITING} downlinks wait for this group already"
    return ""
