"""Which radio sends when: receive windows, the radios' own timetables, and their duty cycle.

Times are of the monotonic clock; a frame's end is taken to be when its copy came, which is late by what the link
takes. Both ends of a plan are late by as much, so only the length of an hour has to allow for it.

What is handed over for a window must come before it by the way up, by which the window seems later than it is, and the
way down. That is the time from handing a downlink over until the radio says that it has it, so each radio tells it by
itself: over a mobile network a second or more, after which RX1 is in vain when a slow disk has eaten the rest.
"""

from collections import deque
from collections.abc import Mapping

from gateway.links.link import Outcome, Received, Transmit
from gateway.network.airtime import Sent, allowed_us, from_text, to_text, unkept_us
from gateway.network.settings import NetworkSettings
from gateway.store.writes import KeepAirtime
from protocol.errors import FrameError
from protocol.region import FSK, RX2_FREQ_HZ, SubBand, data_rate, frame_airtime_us, sub_band

MAX_RADIOS = 1_024  # concentrators, bridges and cables of one gateway; one more could be heard, but not send
CABLE_DR = 5
CABLE_ANSWER_MS = 2_000  # how long a wired node waits for an answer

_HOUR_MS = 3_600_000 + 2_000  # a link may tell of a frame up to two seconds late
_GUARD_MS = 10  # between two transmissions of one radio
_FSK_BW_HZ = 50_000 * 3  # 50 kbit/s with 25 kHz deviation; rounded up to what 869.525 MHz surely holds
_MODEST_ERP_DBM = 14  # what all sub-bands of EN 300 220-2 allow
_MAX_WAY_MS = 2_000  # there and back; a link that takes longer says NO_ANSWER
_WAY_HOLDS_MS = 600_000  # then a radio is believed to be near again: one that had no window left could not tell
_WAY_EASES = 8  # a longer way is believed at once, a shorter one by an eighth: mobile networks are slow by turns
_TURNS = 4  # radios that an answer may use; those that hear worse than three others would hardly be heard


class Window:
    """A moment in which a device listens to *radio*; start_ms None: now and whenever. counter_us as in `Transmit`."""

    __slots__ = ("counter_us", "dr", "freq_hz", "radio", "start_ms")

    def __init__(self, radio: str, start_ms: int | None, counter_us: int | None, freq_hz: int, dr: int) -> None:
        self.radio = radio
        self.start_ms = start_ms
        self.counter_us = counter_us
        self.freq_hz = freq_hz
        self.dr = dr


class Turn:
    """An uplink that may still be answered, once.

    copies: (reception, when), the best first. delay_s: to RX1; dr1, freq2_hz, dr2: of RX1 and RX2. closes_ms: when it
    is too late for both. ack: it is to be acknowledged. answers: MAC commands it asked for; asks: it wants to be
    answered, by whatever frame. f_cnt: its counter. adr: its device lets the network choose its data rate.
    """

    __slots__ = (
        "ack",
        "adr",
        "answers",
        "asks",
        "closes_ms",
        "copies",
        "delay_s",
        "dr1",
        "dr2",
        "f_cnt",
        "freq2_hz",
    )

    def __init__(
        self,
        copies: list[tuple[Received, int]],
        delay_s: int,
        dr1: int,
        dr2: int,
        f_cnt: int = -1,
        ack: bool = False,
        answers: bytes = b"",
        asks: bool = False,
        adr: bool = False,
    ) -> None:
        self.copies = copies
        self.delay_s = delay_s
        self.dr1 = dr1
        self.freq2_hz = RX2_FREQ_HZ
        self.dr2 = dr2
        received, at_ms = copies[0]
        self.closes_ms = at_ms + (1000 * (delay_s + 1) if received.freq_hz else CABLE_ANSWER_MS)
        self.f_cnt = f_cnt
        self.ack = ack
        self.answers = answers
        self.asks = asks
        self.adr = adr

    @property
    def on_cable(self) -> bool:
        """Whether it came on a cable, where nothing of the air means anything."""
        return not self.copies[0][0].freq_hz

    def windows(self) -> list[Window]:
        """RX1 and RX2 for each radio that heard it, the best first, as they are to be tried (TS001-1.0.4 §3.3).

        A cable has no windows: what goes there goes at once. A radio without a counter cannot meet one.
        """
        windows = []
        delay_ms = 1000 * self.delay_s
        for received, at_ms in self.copies[:_TURNS]:
            if not received.freq_hz:
                return [Window(received.radio, None, None, 0, CABLE_DR)]
            counter_us = received.counter_us
            if counter_us is None:
                continue
            for after_ms, freq_hz, dr in (
                (delay_ms, received.freq_hz, self.dr1),
                (delay_ms + 1000, self.freq2_hz, self.dr2),
            ):
                counter = (counter_us + after_ms * 1000) & 0xFFFFFFFF
                windows.append(Window(received.radio, at_ms + after_ms, counter, freq_hz, dr))
        return windows


class Booking:
    """A transmission in a radio's timetable and ledger, entered at made_ms."""

    __slots__ = ("airtime_us", "band", "end_ms", "made_ms", "power_dbm", "start_ms")

    def __init__(self, band: str, made_ms: int, start_ms: int, end_ms: int, airtime_us: int, power_dbm: int) -> None:
        self.band = band
        self.made_ms = made_ms
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.airtime_us = airtime_us
        self.power_dbm = power_dbm


class Radio:
    """One transmitter.

    hour: its bookings of the last hour and those to come, as they were made; spent_us: their airtime by sub-band;
    unkept_us: of that, what is not on disk yet. coming: those that are not over.
    """

    __slots__ = ("coming", "hour", "max_erp_dbm", "name", "online", "spent_us", "unkept_us", "way_ends_ms", "way_ms")

    def __init__(self, name: str, max_erp_dbm: int) -> None:
        self.name = name
        self.online = True
        self.max_erp_dbm = max_erp_dbm
        self.hour: deque[Booking] = deque()
        self.spent_us: dict[str, int] = {}
        self.unkept_us: dict[str, int] = {}
        self.coming: list[Booking] = []
        self.way_ms = 0  # there and back, until way_ends_ms
        self.way_ends_ms = 0

    def way(self, now_ms: int) -> int:
        """How many ms a downlink has to be handed over before it would be on a near radio."""
        return self.way_ms if now_ms < self.way_ends_ms else 0

    def answered(self, took_ms: int, now_ms: int) -> None:
        """It said after so long that it has a downlink, or does not take it."""
        known_ms, took_ms = self.way(now_ms), min(took_ms, _MAX_WAY_MS)
        self.way_ms = max(took_ms, known_ms - (known_ms - took_ms + _WAY_EASES - 1) // _WAY_EASES)
        self.way_ends_ms = now_ms + _WAY_HOLDS_MS

    def busy(self, start_ms: int, end_ms: int) -> bool:
        """Whether it sends at any moment from *start_ms* to *end_ms*."""
        return any(
            booking.start_ms - _GUARD_MS < end_ms and start_ms < booking.end_ms + _GUARD_MS for booking in self.coming
        )

    def add(self, booking: Booking) -> None:
        """Enter a transmission."""
        self.coming.append(booking)
        self._spend(booking)
        self.unkept_us[booking.band] = self.unkept_us.get(booking.band, 0) + booking.airtime_us

    def remember(self, sent: list[Sent], now_ms: int) -> None:
        """Enter what was sent before the start, the oldest first."""
        for band, end_ms, airtime_us in sent:
            self._spend(Booking(band, now_ms, end_ms, end_ms, airtime_us, 0))

    def has_room(self, band: SubBand, airtime_us: int) -> bool:
        """Whether so much more may be sent now, by the hour and by what is on disk of it."""
        unkept = self.unkept_us.get(band.name, 0)
        if unkept and unkept + airtime_us > unkept_us(band):
            return False
        return self.spent_us.get(band.name, 0) + airtime_us <= allowed_us(band)

    def kept(self, handed_us: Mapping[str, int]) -> None:
        """So much of what was not on disk is."""
        for band, airtime_us in handed_us.items():
            left = self.unkept_us.get(band, 0) - airtime_us
            if left > 0:
                self.unkept_us[band] = left
            else:
                self.unkept_us.pop(band, None)

    def to_keep(self, now_ms: int, ended: bool) -> KeepAirtime:
        """What of its hour is to be kept."""
        self.forget(now_ms)
        sent = [Sent(booking.band, booking.end_ms, booking.airtime_us) for booking in self.hour]
        return KeepAirtime(self.name, to_text(sent, now_ms, ended))

    def cancel(self, booking: Booking) -> None:
        """It did not go on the air."""
        if booking in self.hour:
            self.hour.remove(booking)
            self.spent_us[booking.band] -= booking.airtime_us
            self.kept({booking.band: booking.airtime_us})
        if booking in self.coming:
            self.coming.remove(booking)

    def forget(self, now_ms: int) -> None:
        """Drop the bookings that no hour from *now_ms* on holds.

        What is planned counts like what was sent, so that every hour that holds a new frame is within the limit.
        """
        since_ms = now_ms - _HOUR_MS
        while self.hour and self.hour[0].end_ms <= since_ms:
            booking = self.hour.popleft()
            self.spent_us[booking.band] -= booking.airtime_us
        self.coming = [booking for booking in self.coming if booking.end_ms + _GUARD_MS > now_ms]

    def _spend(self, booking: Booking) -> None:
        self.hour.append(booking)
        self.spent_us[booking.band] = self.spent_us.get(booking.band, 0) + booking.airtime_us


Owed = tuple[Radio, dict[str, int]]  # and its airtime that is not on disk, by sub-band


class Radios:
    """All radios by name, each known from its first frame or report on.

    sent: what they sent within an hour before the start at now_ms, as `gateway.network.airtime` keeps it.
    """

    def __init__(
        self, settings: NetworkSettings, sent: Mapping[str, str | None] | None = None, now_ms: int = 0
    ) -> None:
        self._settings = settings
        self._radios: dict[str, Radio] = {}
        self._bands: dict[tuple[int, int], SubBand | None] = {}
        self._owing: dict[str, Radio] = {}
        for name, text in (sent or {}).items():
            if remembered := from_text(text, now_ms):
                self.heard(name, False)
                self._radios[name].remember(remembered, now_ms)

    def heard(self, name: str, online: bool = True) -> bool:
        """That radio is there, or went; whether it just came."""
        radio = self._radios.get(name)
        if radio is None:
            if len(self._radios) >= MAX_RADIOS:
                return False
            self._radios[name] = radio = Radio(name, self._settings.max_erp_dbm)
            radio.online = False
        came = online and not radio.online
        radio.online = online
        return came

    def is_online(self, name: str) -> bool:
        """Whether that radio can send, as far as anybody knows."""
        radio = self._radios.get(name)
        return radio is not None and radio.online

    def online(self) -> list[str]:
        """The radios on the air that can send, by name."""
        return sorted(name for name, radio in self._radios.items() if radio.online and not name.startswith("cable:"))

    def book(self, window: Window, phy_len: int, now_ms: int) -> Booking | None:
        """Enter a transmission that may be; None if it comes too late, the radio is away or busy, or its hour full."""
        radio = self._radios.get(window.radio)
        if radio is None or not radio.online:
            return None
        if not window.freq_hz:
            return Booking("", now_ms, now_ms, now_ms, 0, 0)
        band = self._band(window.freq_hz, window.dr)
        start_ms = now_ms if window.start_ms is None else window.start_ms
        if band is None or (
            window.start_ms is not None and start_ms < now_ms + self._settings.lead_ms + radio.way(now_ms)
        ):
            return None
        radio.forget(now_ms)
        airtime_us = frame_airtime_us(window.dr, phy_len, False)
        end_ms = start_ms + (airtime_us + 999) // 1000
        if radio.busy(start_ms, end_ms) or not radio.has_room(band, airtime_us):
            return None
        power_dbm = min(band.max_erp_dbm, radio.max_erp_dbm)
        booking = Booking(band.name, now_ms, start_ms, end_ms, airtime_us, power_dbm)
        radio.add(booking)
        self._owing[radio.name] = radio
        return booking

    def answered(self, name: str, booking: Booking, outcome: Outcome, now_ms: int) -> None:
        """That radio said something of a transmission; of one that is over, it may be only then that it was sent."""
        radio = self._radios.get(name)
        if radio is None or outcome in (Outcome.NO_ANSWER, Outcome.LINK_DOWN):
            return
        if outcome is not Outcome.SENT or now_ms < booking.start_ms:
            radio.answered(now_ms - booking.made_ms, now_ms)

    def refused(self, name: str, booking: Booking, outcome: Outcome) -> None:
        """That transmission did not go on the air, for this reason."""
        radio = self._radios.get(name)
        if radio is None:
            return
        radio.cancel(booking)
        if outcome is Outcome.LINK_DOWN:
            radio.online = False
        elif outcome is Outcome.TX_POWER:
            radio.max_erp_dbm = min(radio.max_erp_dbm, _MODEST_ERP_DBM)

    @property
    def owes(self) -> bool:
        """Whether something was sent, or will be, that is not on disk yet."""
        return bool(self._owing)

    def to_keep(self, now_ms: int) -> tuple[list[Owed], tuple[KeepAirtime, ...]]:
        """What has to be written, and what of it will be kept then."""
        owed = [(radio, dict(radio.unkept_us)) for radio in self._owing.values()]
        return owed, tuple([radio.to_keep(now_ms, False) for radio, _ in owed])

    def kept(self, owed: list[Owed]) -> None:
        """That is on disk."""
        for radio, airtime_us in owed:
            radio.kept(airtime_us)
            if not radio.unkept_us:
                self._owing.pop(radio.name, None)

    def at_the_end(self, now_ms: int) -> tuple[KeepAirtime, ...]:
        """What is to be kept when nothing more will be sent."""
        return tuple([radio.to_keep(now_ms, True) for radio in self._radios.values() if radio.hour])

    @staticmethod
    def transmit(window: Window, booking: Booking, phy_payload: bytes, token: int) -> Transmit:
        """What the link is told of a booking."""
        return Transmit(
            token=token,
            radio=window.radio,
            phy_payload=phy_payload,
            freq_hz=window.freq_hz,
            dr=window.dr,
            power_dbm=booking.power_dbm,
            counter_us=window.counter_us,
        )

    def _band(self, freq_hz: int, dr: int) -> SubBand | None:
        key = (freq_hz, dr)
        if key not in self._bands:
            if len(self._bands) >= MAX_RADIOS:  # frequencies come from radios: a mad one should not fill the memory
                self._bands.clear()
            sf, bw_hz = data_rate(dr)
            try:
                self._bands[key] = sub_band(freq_hz, _FSK_BW_HZ if sf == FSK else bw_hz)
            except FrameError:
                self._bands[key] = None
        return self._bands[key]
