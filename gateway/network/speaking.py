"""What goes down to one device: composed, given a counter, and brought to the window in which it listens.

A class A device is spoken to once after each uplink, in RX1 or RX2 of a radio that heard it; what comes later than the
uplink may still catch its window. A class C or wired device is spoken to at any time, but not while a window of its own
is due. A frame that a radio refuses goes, as it is, in the next window that is still to come.
"""

from gateway.links.link import Outcome, TransmitResult
from gateway.network.commits import RETRY_COMMIT_MS, Stream
from gateway.network.device import Device, Session
from gateway.network.downlinks import Queue, Waiting
from gateway.network.events import Downlink, Effect, Fate, FateOf
from gateway.network.mac_dialogue import fits
from gateway.network.scheduling import Booking, Radios, Turn, Window
from gateway.network.settings import NetworkSettings
from gateway.network.timers import Timers
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.security import seal_data
from protocol.region import PLANS, RX2_FREQ_HZ, max_payload, rx1_dr

MAX_FLIGHTS = 1_024  # transmissions whose result is not known; every link answers each, so this only bounds a fault

GONE = "the device was removed"

_OVERHEAD = 12  # MHDR(1) FHDR(7) MIC(4)
_RETRY_MS = 2_000  # class C: when to try again if no radio may send now, …
_RETRY_EACH_MS = 20  # … or later when many wait: all together try 50 times a second at most, …
_RETRY_MOST_MS = 60_000  # … and each at least so often
_ACK_MS = 30_000  # class C: an acknowledgement comes within seconds; then again, doubling
_ACK_DOUBLINGS = 5
_LAST_F_PORT = 223


class Flight:
    """A frame handed to a radio. windows: where it may go if that fails. device, item: None in a Join-Accept."""

    __slots__ = ("booking", "device", "item", "phy_payload", "radio", "windows")

    def __init__(self, phy_payload: bytes, windows: list[Window], device: Device | None, item: Waiting | None) -> None:
        self.phy_payload = phy_payload
        self.windows = windows
        self.device = device
        self.item = item
        self.radio = ""
        self.booking: Booking | None = None


class Speaker:
    """Sends what waits for single devices; fates: of downlinks, for the server to pass on."""

    def __init__(self, settings: NetworkSettings, radios: Radios, stream: Stream, timers: Timers[Device]) -> None:
        self._settings = settings
        self._radios = radios
        self._stream = stream
        self._timers = timers
        self._flights: dict[int, Flight] = {}
        self._token = 0
        self.fates: list[Fate] = []
        self._items: dict[int, tuple[Device, Waiting]] = {}  # by ref

    def enqueue(self, downlink: Downlink, device: Device | None, now_ms: int) -> bool:
        """Let it wait for its turn; whether it does. If it never can it has its fate already."""
        reason = _impossible(downlink, device)
        if reason:
            self._fate(downlink, FateOf.IMPOSSIBLE, reason)
            return False
        assert device is not None
        if downlink.expires_ms <= now_ms:
            self._fate(downlink, FateOf.EXPIRED, "it had expired when it came")
            return False
        if device.queue is None:
            device.queue = Queue()
        item = Waiting(downlink)
        device.queue.add(item)
        self._items[downlink.ref] = (device, item)
        self._timers.set(device, downlink.expires_ms)
        return True

    def cancel(self, ref: int) -> bool:
        """Forget the downlink with this ref; whether it was here."""
        found = self._items.pop(ref, None)
        if found is None:
            return False
        device, item = found
        if device.queue is not None:
            device.queue.drop(item)
        for flight in self._flights.values():
            if flight.item is item:  # on the air it is gone, but should the radio refuse it, that is the end
                flight.item = None
                flight.windows.clear()
        return True

    def drop_all(self, device: Device, why: str) -> None:
        """What waits for *device* can never go."""
        queue = device.queue
        if queue is None:
            return
        waiting = [*queue.items]
        if queue.unacknowledged is not None:
            waiting.append(queue.unacknowledged)
        for item in waiting:
            self._over(item, FateOf.IMPOSSIBLE, why)
        device.queue = None

    def heard(self, device: Device, ack: bool) -> None:
        """An uplink came: it acknowledges what went out confirmed, or that waits again."""
        queue = device.queue
        if queue is None or queue.unacknowledged is None:
            return
        if ack:
            item = queue.unacknowledged
            queue.unacknowledged = None
            self._over(item, FateOf.ACKED, "")
        else:
            queue.not_acknowledged()

    def look(self, device: Device, now_ms: int, out: list[Effect]) -> None:
        """Its alarm rang: something expired, or may go (again)."""
        queue = device.queue
        if queue is not None:
            for item in queue.expire(now_ms):
                self._over(item, FateOf.EXPIRED, "not acknowledged in time" if item.sent else "it could not go in time")
            out_there = queue.unacknowledged
            if out_there is not None and out_there.not_before_ms <= now_ms:
                queue.not_acknowledged()
        self.speak(device, now_ms, out)

    def speak(self, device: Device, now_ms: int, out: list[Effect]) -> None:
        """Say what is to be said to *device*, if it listens and nothing has to be on disk before."""
        session, turn, queue = device.session, device.turn, device.queue
        if turn is not None and now_ms >= turn.closes_ms:
            turn = device.turn = None
        if device.waits and device.waits <= self._stream.done:
            device.waits = 0
        if session is not None and not device.waits and not device.gone:
            ready = [] if queue is None else queue.ready(now_ms)
            if turn is not None:
                self._answer(device, session, turn, ready, now_ms, out)
            elif ready and now_ms >= device.quiet_until_ms and listens(device):
                self._say(device, session, None, ready, b"", self._anytime(device, session), now_ms, out)
        if queue is not None:
            self._set_timer(device, queue, now_ms)

    def send_accept(self, phy_payload: bytes, windows: list[Window], now_ms: int, out: list[Effect]) -> None:
        """A Join-Accept goes to its windows."""
        self._launch(Flight(phy_payload, windows, None, None), now_ms, out)

    def result(self, result: TransmitResult, now_ms: int, out: list[Effect]) -> bool:
        """What a radio says of a transmission; whether it was one of these."""
        flight = self._flights.pop(result.token, None)
        if flight is None:
            return False
        assert flight.booking is not None
        self._radios.answered(flight.radio, flight.booking, result.outcome, now_ms)
        if result.outcome in (Outcome.SENT, Outcome.NO_ANSWER):
            self._sent(flight, now_ms)
            return True
        self._radios.refused(flight.radio, flight.booking, result.outcome)
        if not self._launch(flight, now_ms, out):
            self._failed(flight, now_ms, out)
        return True

    def again(self, device: Device, now_ms: int) -> None:
        """Its counters could not be written: look at it later."""
        self._timers.set(device, now_ms + RETRY_COMMIT_MS)

    def next_token(self) -> int:
        """A token for one more transmission, unlike all before."""
        self._token += 1
        return self._token

    # Composing.

    def _answer(
        self, device: Device, session: Session, turn: Turn, ready: list[Waiting], now_ms: int, out: list[Effect]
    ) -> None:
        request = b""
        if not turn.on_cable:
            request = session.talk.wants(session, self._settings, turn.f_cnt, turn.adr, now_ms)
        if ready or request or turn.ack or turn.answers or turn.asks:
            self._say(device, session, turn, ready, request, turn.windows(), now_ms, out)

    def _say(
        self,
        device: Device,
        session: Session,
        turn: Turn | None,
        ready: list[Waiting],
        request: bytes,
        windows: list[Window],
        now_ms: int,
        out: list[Effect],
    ) -> None:
        """Send the most urgent item that a window can carry, with what else there is to say; or that alone."""
        if session.f_cnt_down >= session.reserved:
            self._reserve(device, session, out)
            return
        answers = b"" if turn is None else turn.answers
        if request and not fits(answers, request):
            request = b""
        alone: list[Waiting | None] = []
        if request or answers or (turn is not None and (turn.ack or turn.asks)):
            alone.append(None)
        for item in [*ready, *alone]:
            for at, window in enumerate(windows):
                f_opts = _f_opts(item, window, answers, request, now_ms)
                if f_opts is None:
                    continue
                length = 0 if item is None else 1 + len(item.downlink.payload)
                booking = self._radios.book(window, _OVERHEAD + len(f_opts) + length, now_ms)
                if booking is None:
                    continue
                phy_payload = self._seal(device, session, turn, item, f_opts)
                if turn is not None and len(f_opts) > len(answers):
                    session.talk.asked(request, turn.f_cnt, now_ms)
                self._fly(Flight(phy_payload, windows[at + 1 :], device, item), window, booking, out)
                return

    def _seal(self, device: Device, session: Session, turn: Turn | None, item: Waiting | None, f_opts: bytes) -> bytes:
        """The frame under the next counter, its item taken out of the queue and the turn used up."""
        downlink = None if item is None else item.downlink
        queue = device.queue
        if item is not None and queue is not None:
            queue.items.remove(item)
        device.turn = None
        f_cnt = session.f_cnt_down
        session.f_cnt_down += 1
        return seal_data(
            session.keys,
            DOWNLINK,
            session.dev_addr,
            f_cnt,
            None if downlink is None else downlink.f_port,
            b"" if downlink is None else downlink.payload,
            downlink is not None and downlink.confirmed,
            f_opts,
            adr=session.talk.adr is not None,
            ack=turn is not None and turn.ack,
            f_pending=turn is not None and queue is not None and bool(queue.items) and not listens(device),
        )

    def _reserve(self, device: Device, session: Session, out: list[Effect]) -> None:
        """No counter may be used before the store knows: ask it for a block, and speak when it is there."""
        step = _Reserved(self, device, session)
        device.waits = self._stream.commit(session.writes(None), True, step, out)

    def _anytime(self, device: Device, session: Session) -> list[Window]:
        """Where a device that always listens can be reached: by the radios that heard it last, else by any."""
        radios = device.radios or tuple(self._radios.online())
        dr = session.row.rx2_dr
        return [
            Window(name, None, None, 0, 5) if name.startswith("cable:") else Window(name, None, None, RX2_FREQ_HZ, dr)
            for name in radios
        ]

    # On its way.

    def _launch(self, flight: Flight, now_ms: int, out: list[Effect]) -> bool:
        """Send the frame in the first of its windows that is still to come and can carry it; whether there is one."""
        while flight.windows:
            window = flight.windows.pop(0)
            if len(flight.phy_payload) > _OVERHEAD + 1 + max_payload(window.dr):
                continue
            booking = self._radios.book(window, len(flight.phy_payload), now_ms)
            if booking is not None:
                self._fly(flight, window, booking, out)
                return True
        return False

    def _fly(self, flight: Flight, window: Window, booking: Booking, out: list[Effect]) -> None:
        if len(self._flights) >= MAX_FLIGHTS:
            oldest = next(iter(self._flights))
            self._sent(self._flights.pop(oldest), booking.start_ms)
        token = self.next_token()
        flight.radio = window.radio
        flight.booking = booking
        self._flights[token] = flight
        if flight.device is not None:
            flight.device.quiet_until_ms = booking.end_ms
        out.append(self._radios.transmit(window, booking, flight.phy_payload, token))

    def _sent(self, flight: Flight, now_ms: int) -> None:
        device, item = flight.device, flight.item
        if item is None or device is None:
            return
        if not item.sent:
            item.sent = True
            if item.downlink.confirmed and not device.gone:
                self._fate(item.downlink, FateOf.SENT, "")
        if not item.downlink.confirmed or device.gone:
            self._over(item, FateOf.SENT, "")
            return
        queue = device.queue = device.queue or Queue()
        if queue.unacknowledged is not None:
            queue.not_acknowledged()
        queue.unacknowledged = item
        item.not_before_ms = item.downlink.expires_ms
        if listens(device):
            item.not_before_ms = min(item.not_before_ms, now_ms + (_ACK_MS << min(item.tries, _ACK_DOUBLINGS)))
        item.tries += 1
        self._timers.set(device, item.not_before_ms)

    def _failed(self, flight: Flight, now_ms: int, out: list[Effect]) -> None:
        """No window was left: what it carried waits for another turn."""
        device, item = flight.device, flight.item
        if device is None:
            return
        device.quiet_until_ms = now_ms + _RETRY_MS
        if item is None:
            return
        if device.gone:
            self._over(item, FateOf.IMPOSSIBLE, GONE)
            return
        device.queue = device.queue or Queue()
        device.queue.put_back(item)
        self.look(device, now_ms, out)

    def _set_timer(self, device: Device, queue: Queue, now_ms: int) -> None:
        at_ms = queue.due_at(now_ms)
        if listens(device) and queue.ready(now_ms):
            if device.turn is not None:
                soon_ms = device.turn.closes_ms
            elif device.quiet_until_ms > now_ms:
                soon_ms = device.quiet_until_ms
            else:
                soon_ms = now_ms + min(max(_RETRY_MS, _RETRY_EACH_MS * len(self._items)), _RETRY_MOST_MS)
            at_ms = soon_ms if at_ms is None else min(at_ms, soon_ms)
        if at_ms is None and not queue.items and queue.unacknowledged is None:
            device.queue = None  # five thousand empty ones would be a megabyte
        self._timers.set(device, at_ms)

    # Fates.

    def _over(self, item: Waiting, fate: FateOf, detail: str) -> None:
        self._items.pop(item.downlink.ref, None)
        self._fate(item.downlink, fate, detail)

    def _fate(self, downlink: Downlink, fate: FateOf, detail: str) -> None:
        self.fates.append(Fate(ref=downlink.ref, fate=fate, detail=detail))


class _Reserved:
    """The step of a commit that only reserves counters."""

    def __init__(self, speaker: Speaker, device: Device, session: Session) -> None:
        self._speaker = speaker
        self._device = device
        self._session = session
        self._before = (session.reserving, session.kept, session.current)
        session.reserve()
        self._reserving = session.reserving

    def undo(self, now_ms: int) -> None:
        self._session.reserving, self._session.kept, self._session.current = self._before
        self._device.waits = 0
        self._speaker.again(self._device, now_ms)

    def done(self, now_ms: int, out: list[Effect]) -> None:
        self._session.reserved = max(self._session.reserved, self._reserving)
        self._speaker.speak(self._device, now_ms, out)


def _f_opts(item: Waiting | None, window: Window, answers: bytes, request: bytes, now_ms: int) -> bytes | None:
    """The MAC commands that go with *item* in *window*; None if the window cannot carry it, or comes too late for it.

    Answers go in any case; a request that does not fit can be made another time.
    """
    if item is None:
        return answers + request
    left = max_payload(window.dr, len(answers)) - len(item.downlink.payload)
    starts_ms = now_ms if window.start_ms is None else window.start_ms
    if left < 0 or starts_ms >= item.downlink.expires_ms:
        return None
    return answers + request if len(request) <= left else answers


def listens(device: Device) -> bool:
    """Whether the device can be spoken to at any time: class C, or on a cable."""
    return device.registration.class_c or (bool(device.radios) and device.radios[0].startswith("cable:"))


def _impossible(downlink: Downlink, device: Device | None) -> str:
    """Why this can never be sent, in a sentence; empty if it can."""
    if device is None:
        return "no device has this DevEUI"
    session = device.session or device.joining
    if session is None:
        return "the device has not joined"
    if not 1 <= downlink.f_port <= _LAST_F_PORT:
        return f"FPort is {downlink.f_port}; expected 1..{_LAST_F_PORT}"
    plan = PLANS[device.registration.plan]
    wired = bool(device.radios) and device.radios[0].startswith("cable:")
    dr = plan.max_dr if wired else max(rx1_dr(plan.max_dr, session.row.rx1_dr_offset), session.row.rx2_dr)
    room = max_payload(dr)
    if len(downlink.payload) > room:
        return f"the payload has {len(downlink.payload)} bytes; its windows carry at most {room}"
    if device.queue is not None and device.queue.full():
        return f"{len(device.queue.items)} downlinks wait for this device already"
    return ""
