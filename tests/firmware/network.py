"""A network server and a street as a script, from the specification's tables; for both Pythons.

It knows nothing of the gateway, and of the MAC only what passes the seams: actions, events, and bytes on the air.
"""

from firmware.actions import CloseWindow, OpenWindow, Persist, RadioTransmit
from firmware.asleep import IMAGE_MAX_LEN
from firmware.events import FrameHeard, Transmitted, WindowClosed, Woke
from firmware.session import Identity
from protocol.lorawan.frames import CONFIRMED_DATA_UP, DOWNLINK, JOIN_REQUEST, UPLINK, frame_mtype, parse_frame
from protocol.lorawan.join import (
    derive_session_keys,
    join_request_matches,
    parse_join_request,
    seal_join_accept,
)
from protocol.lorawan.mac_commands import parse_commands
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from protocol.region import SUB_BANDS, frame_airtime_us

HOUR_MS = 3_600_000
DEV_EUI = bytes([2, 0, 0, 0, 0, 0, 0, 7])
JOIN_EUI = bytes([2, 0, 0, 0, 0, 0, 1, 0])
APP_KEY = bytes(range(16))
GEN_APP_KEY = bytes(range(100, 116))
NWK_S_KEY = bytes(range(16, 32))
APP_S_KEY = bytes(range(32, 48))
DEV_ADDR = 0x26000007
ABP = Identity(DEV_EUI, gen_app_key=GEN_APP_KEY, abp=(DEV_ADDR, NWK_S_KEY, APP_S_KEY))
OTAA = Identity(DEV_EUI, JOIN_EUI, APP_KEY, GEN_APP_KEY)

# RP 1.0.3revA §2.2.7, table 9: data rate of RX1 by the uplink's (rows DR0..DR7) and RX1DROffset 0..5.
RX1_DR = (
    (0, 0, 0, 0, 0, 0),
    (1, 0, 0, 0, 0, 0),
    (2, 1, 0, 0, 0, 0),
    (3, 2, 1, 0, 0, 0),
    (4, 3, 2, 1, 0, 0),
    (5, 4, 3, 2, 1, 0),
    (6, 5, 4, 3, 2, 1),
    (7, 6, 5, 4, 3, 2),
)
# 2^SF / bandwidth in µs for DR0..DR6; a byte of DR7's FSK.
SYMBOL_US = (32_768, 16_384, 8_192, 4_096, 2_048, 1_024, 512, 160)
PREAMBLE_SYMBOLS = 8
LOCK_SYMBOLS = 4  # of the preamble a receiver must hear


class Uplink:
    """A frame as the network heard it; payload is plain; commands are those of FOpts or FPort 0, CID first."""

    def __init__(self, frame, payload, f_cnt, radio, start_ms, end_ms):
        self.f_cnt = f_cnt
        self.f_port = frame.f_port
        self.payload = payload
        self.confirmed = frame.mtype == CONFIRMED_DATA_UP
        self.adr = frame.adr
        self.adr_ack_req = frame.adr_ack_req
        self.ack = frame.ack
        self.f_opts = bytes(frame.f_opts)
        self.commands = parse_commands(payload if frame.f_port == 0 else frame.f_opts, UPLINK)
        self.dr = radio.dr
        self.freq_hz = radio.freq_hz
        self.power_dbm = radio.power_dbm
        self.phy_payload = radio.phy_payload
        self.start_ms = start_ms
        self.end_ms = end_ms

    def names(self):
        """The CIDs it carries."""
        return [cid for cid, _ in self.commands]


class Down:
    """What the network says to an uplink: window 1 or 2, or 0 for as soon as a class C node listens."""

    def __init__(self, window=1, f_port=None, payload=b"", f_opts=b"", confirmed=False, ack=False, f_pending=False):
        self.window = window
        self.fields = (f_port, payload, confirmed, f_opts, False, False, ack, f_pending)


class Network:
    """Listens and answers. answers: what to say to the next uplinks, in order: Down, bytes for RX1, or None.

    It refuses, by AssertionError, a counter or a nonce that comes twice and a frame that does not verify.
    """

    def __init__(self, dev_addr=DEV_ADDR, keys=(NWK_S_KEY, APP_S_KEY)):
        self.uplinks = []
        self.joins = []  # (dev_nonce, dr, freq_hz, end_ms)
        self.answers = []
        self.accepts = []  # JoinAccept, bytes or None for the next requests; window 1, or (window, accept)
        self.f_cnt_down = 0
        self.delay_s = 5  # as the plans say
        self.offset = 0
        self.rx2 = (869_525_000, 3)
        self.down_hz = {}  # DlChannelReq
        self.strangers = None  # a list for uplinks of sessions that nobody has here; None: there must be none
        self._used = set()
        self._nonces = set()
        self._before = None  # the session before a Join-Accept of which no uplink has come yet
        self.activate(dev_addr, keys)

    def activate(self, dev_addr, keys):
        """Use another session."""
        self.dev_addr = dev_addr
        self._secrets = keys
        self.keys = SessionKeys(keys[0], keys[1])
        self.f_cnt_up = -1

    def _kept(self):
        session = (self.dev_addr, self._secrets, self.keys, self.f_cnt_up, self.f_cnt_down)
        return session + (self.delay_s, self.offset, self.rx2)

    def seal(self, down):
        """A downlink with the next counter."""
        frame = seal_data(self.keys, DOWNLINK, self.dev_addr, self.f_cnt_down, *down.fields)
        self.f_cnt_down += 1
        return frame

    def hear(self, radio, start_ms, end_ms):
        """Take a frame off the air; returns (start_ms, freq_hz, dr, phy_payload) of each answer."""
        if frame_mtype(radio.phy_payload) == JOIN_REQUEST:
            return self._hear_join(radio, end_ms)
        frame = parse_frame(radio.phy_payload)
        assert frame.direction == UPLINK
        full = self._full(frame)
        if full is None and self._before is not None:
            self.dev_addr, self._secrets, self.keys, self.f_cnt_up, self.f_cnt_down = self._before[:5]
            self.delay_s, self.offset, self.rx2 = self._before[5:]
            full = self._full(frame)
        if full is None:
            assert self.strangers is not None, "an uplink of no session known here"
            self.strangers.append(frame)
            return []
        self._before = None
        if full != self.f_cnt_up:
            self.f_cnt_up = full
            mark = (self._secrets[0], full)
            assert mark not in self._used, f"FCntUp {full} came twice"
            self._used.add(mark)
        else:  # NbTrans: the very same bytes
            assert radio.phy_payload == self.uplinks[-1].phy_payload, f"FCntUp {full} came twice, with another frame"
        payload = open_payload(self.keys, frame, UPLINK, full)
        self.uplinks.append(Uplink(frame, payload, full, radio, start_ms, end_ms))
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            return []
        if isinstance(answer, bytes):
            return [self.in_window(1, radio, end_ms, answer)]
        return [self.in_window(answer.window, radio, end_ms, self.seal(answer))]

    def in_window(self, window, radio, end_ms, phy_payload):
        """When and how to send so that the node hears it in this window of a data uplink."""
        if window == 1:
            freq_hz = self.down_hz.get(radio.freq_hz, radio.freq_hz)
            return end_ms + 1000 * self.delay_s, freq_hz, RX1_DR[radio.dr][self.offset], phy_payload
        if window == 2:
            return end_ms + 1000 * (self.delay_s + 1), self.rx2[0], self.rx2[1], phy_payload
        return end_ms + 100, self.rx2[0], self.rx2[1], phy_payload

    def _full(self, frame):
        if frame.dev_addr != self.dev_addr:
            return None
        for high in range(self.f_cnt_up >> 16 if self.f_cnt_up >= 0 else 0, (self.f_cnt_up >> 16) + 3):
            full = high << 16 | frame.f_cnt16
            if mic_matches(self.keys, frame, UPLINK, full):
                assert full >= self.f_cnt_up, "FCntUp went back"
                return full
        return None

    def _hear_join(self, radio, end_ms):
        request = parse_join_request(radio.phy_payload)
        assert (request.dev_eui, request.join_eui) == (DEV_EUI, JOIN_EUI)
        assert join_request_matches(APP_KEY, request)
        assert request.dev_nonce not in self._nonces, f"DevNonce {request.dev_nonce} came twice"
        self._nonces.add(request.dev_nonce)
        self.joins.append((request.dev_nonce, radio.dr, radio.freq_hz, end_ms))
        accept = self.accepts.pop(0) if self.accepts else None
        window = 1
        if isinstance(accept, tuple):
            window, accept = accept
        if accept is None:
            return []
        # Not by its class: a body lets go of the module, and who imports it next gets another class of this name.
        if not isinstance(accept, bytes):
            self._before = self._before or self._kept()
            keys = derive_session_keys(APP_KEY, accept.join_nonce, accept.net_id, request.dev_nonce)
            self.activate(accept.dev_addr, keys)
            self.f_cnt_down = 0
            self.delay_s = accept.rx_delay_s
            self.offset = accept.rx1_dr_offset
            self.rx2 = (869_525_000, accept.rx2_data_rate)
            accept = seal_join_accept(APP_KEY, accept)
        if window == 1:
            return [(end_ms + 5000, radio.freq_hz, radio.dr, accept)]
        return [(end_ms + 6000, 869_525_000, 0, accept)]


class PowerCut(Exception):  # noqa: N818 - the power's doing, no error
    """The power went between two actions."""


class Street:
    """Runs the MAC that `make(saved, image)` gives, against *network*, on a clock in ms that starts at *start_ms*.

    saved: what was persisted. told: (now_ms, event) for the mind. flights: (start_ms, end_ms, freq_hz). windows:
    OpenWindow actions. lose: a function that says of an uplink's number whether nobody hears it. cut_at: actions until
    the power goes. skew_ms: how late what the network sends comes.
    """

    def __init__(self, network, make, saved=None, start_ms=0, lose=None):
        self.network = network
        self.make = make
        self.saved = {} if saved is None else saved
        self.now_ms = start_ms
        self.off_ms = 0  # the node's clock is so much behind: it starts anew with each power cut
        self.told = []
        self.flights = []
        self.windows = []
        self.images = 0
        self.cut_at = None
        self.skew_ms = 0
        self._lose = lose
        self._begin(b"")
        self.tell(Woke())

    def _begin(self, image):
        self.mac = self.make(dict(self.saved), image)
        self._due = []  # (at_ms, event) that the body owes
        self._air = []  # (start_ms, freq_hz, dr, phy_payload) on its way down
        self._open = None  # a class C window

    def tell(self, event):
        """Let the MAC hear *event* now, and do what it wants."""
        for action in self.mac.handle(event, self.now_ms - self.off_ms):
            self._do(action)
            if self.cut_at is not None:
                self.cut_at -= 1
                if not self.cut_at:
                    raise PowerCut

    def run(self, span_ms):
        """Let time pass."""
        until_ms = self.now_ms + span_ms
        while True:
            at_ms, event, queue, item = self._next()
            if at_ms is None or at_ms > until_ms:
                self.now_ms = until_ms
                return
            self.now_ms = max(self.now_ms, at_ms)
            if queue is not None:
                queue.remove(item)
            self.tell(event)

    def cut(self):
        """The power goes and comes back: only what was persisted is there."""
        self.cut_at = None
        self.off_ms = self.now_ms
        self._begin(b"")
        self.tell(Woke())

    def nap(self):
        """A deep sleep, over at once: the image must carry everything over."""
        image = self.mac.image()
        assert len(image) <= IMAGE_MAX_LEN
        self.images += 1
        self._begin(image)
        self.tell(Woke())

    def events(self, kind):
        """What the mind was told of one kind."""
        return [event for _, event in self.told if isinstance(event, kind)]

    def worst_hour_ms(self):
        """The greatest share of its sub-band's allowance, in per mille, that any sliding hour holds."""
        worst = 0
        for band in SUB_BANDS:
            flights = [flight for flight in self.flights if band.low_hz < flight[2] < band.high_hz]
            for _, until_ms, _ in flights:
                since_ms = until_ms - HOUR_MS
                spent = sum([end - max(start, since_ms) for start, end, _ in flights if since_ms < end <= until_ms])
                worst = max(worst, 1000 * spent // (3600 * band.duty_per_mille))
        return worst

    def _next(self):
        """What comes first: (at_ms, event, where it waits, as what)."""
        first = (None, None, None, None)
        for item in self._due:
            if first[0] is None or item[0] < first[0]:
                first = (item[0], item[1], self._due, item)
        heard = self._class_c_hears()
        if heard is not None and (first[0] is None or heard[0] < first[0]):
            first = (heard[0], FrameHeard(heard[1][3], -80, 20), self._air, heard[1])
        wake_ms = self.mac.wake_at()
        if wake_ms is not None:
            wake_ms = max(wake_ms + self.off_ms, self.now_ms)
            if first[0] is None or wake_ms < first[0]:
                first = (wake_ms, Woke(), None, None)
        return first

    def _class_c_hears(self):
        """The first frame that a class C radio will have received whole as it is tuned now: (end_ms, frame)."""
        best = None
        for frame in self._air:
            start_ms, freq_hz, dr, phy_payload = frame
            if self._open is None or (freq_hz, dr) != self._open[1:] or start_ms < self._open[0]:
                continue
            end_ms = start_ms + (frame_airtime_us(dr, len(phy_payload), False) // 1000 if freq_hz else 20)
            if best is None or end_ms < best[0]:
                best = (end_ms, frame)
        return best

    def send_class_c(self, phy_payload):
        """The network sends on its own account now."""
        self._air.append((self.now_ms, self.network.rx2[0], self.network.rx2[1], phy_payload))

    def send_on_cable(self, phy_payload):
        """The gateway sends on a cable now."""
        self._air.append((self.now_ms, 0, 0, phy_payload))

    def _do(self, action):
        if isinstance(action, Persist):
            self.saved[action.key] = action.value
        elif isinstance(action, RadioTransmit):
            assert not any(isinstance(event, Transmitted) for _, event in self._due), "one frame at a time"
            self._open = None
            end_ms = self.now_ms + (frame_airtime_us(action.dr, len(action.phy_payload)) + 999) // 1000
            if action.freq_hz:
                self.flights.append((self.now_ms, end_ms, action.freq_hz))
            else:
                end_ms = self.now_ms + 20  # on a cable
            self._due.append((end_ms, Transmitted()))
            if self._lose is None or not self._lose(len(self.flights)):
                for start_ms, freq_hz, dr, phy_payload in self.network.hear(action, self.now_ms, end_ms):
                    self._air.append((start_ms + self.skew_ms, freq_hz, dr, phy_payload))
        elif isinstance(action, OpenWindow):
            self._open_window(action)
        elif isinstance(action, CloseWindow):
            self._open = None
        else:
            self.told.append((self.now_ms, action))

    def _open_window(self, window):
        self.windows.append(window)
        if not window.symbols:
            self._open = (self.now_ms, window.freq_hz, window.dr)
            return
        self._open = None
        symbol_us = SYMBOL_US[window.dr]
        opens_us = (window.open_ms + self.off_ms) * 1000
        closes_us = opens_us + window.symbols * symbol_us
        for frame in self._air:
            start_ms, freq_hz, dr, phy_payload = frame
            ends_us = start_ms * 1000 + PREAMBLE_SYMBOLS * symbol_us
            overlap_us = min(ends_us, closes_us) - max(start_ms * 1000, opens_us)
            if (freq_hz, dr) == (window.freq_hz, window.dr) and overlap_us >= LOCK_SYMBOLS * symbol_us:
                self._air.remove(frame)
                end_ms = start_ms + frame_airtime_us(dr, len(phy_payload), False) // 1000
                self._due.append((end_ms, FrameHeard(phy_payload, -100, 22)))
                return
        self._due.append(((closes_us + 999) // 1000, WindowClosed()))
