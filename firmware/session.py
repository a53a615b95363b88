"""Who a node is, and what it shares with the network: keys, counters and settings, as one blob on flash."""

import struct

from protocol.compat import const, on_demand
from protocol.region import CHANNEL_MAX_DR, RX2_FREQ_HZ, Plan

from .channels import Channels

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from protocol.lorawan.security import SessionKeys

_HEAD = "<BI16s16sIII8B"
_HEAD_LEN = const(57)
_DOWN_AT = const(41)
_VERSION = const(1)


class Identity:
    """What a node is born with; EUIs as 8 bytes in printed order, keys of 16 bytes.

    abp: (DevAddr, NwkSKey, AppSKey) of a node that never joins, else None. gen_app_key: for multicast groups.
    """

    @on_demand
    def __init__(
        self,
        dev_eui: bytes,
        join_eui: bytes = b"",
        app_key: bytes = b"",
        gen_app_key: bytes = b"",
        abp: tuple[int, bytes, bytes] | None = None,
    ) -> None:
        self.dev_eui = dev_eui
        self.join_eui = join_eui
        self.app_key = app_key
        self.gen_app_key = gen_app_key
        self.abp = abp


class Session:
    """One activation: everything that a power cut must leave as it was (TR007-1.1 §4.13), FCntUp excepted.

    first_up: the number of the node's first uplink in this session, among all it ever sent: FCntUp counts from there.
    f_cnt_down: the last one accepted, or -1. rx_delay_s: from the end of an uplink to RX1. max_duty_cycle: n of
    1/2^n. windows_at: rx_delay_s and rx2_dr as this node was last set up for, whatever the network said since.
    """

    @on_demand
    def __init__(self, dev_addr: int, nwk_s_key: bytes, app_s_key: bytes, plan: Plan, dr: int) -> None:
        self.dev_addr = dev_addr
        self._secrets = (nwk_s_key, app_s_key)
        self._keys: "SessionKeys | None" = None
        self.first_up = 0
        self.f_cnt_down = -1
        self.rx1_dr_offset = 0
        self.rx2_freq_hz = RX2_FREQ_HZ
        self.rx2_dr = plan.rx2_dr
        self.rx_delay_s = plan.rx_delay_s
        self.windows_at = (plan.rx_delay_s, plan.rx2_dr)
        self.max_duty_cycle = 0
        self.dr = dr
        self.tx_power = 0
        self.nb_trans = 1
        self.channels = Channels(plan.channels)

    def keys(self) -> "SessionKeys":
        """Its keys, set up for the frames until the next `rest`."""
        if self._keys is None:
            from protocol.lorawan.security import SessionKeys

            self._keys = SessionKeys(self._secrets[0], self._secrets[1])
        return self._keys

    def rest(self) -> None:
        """No frame is near: let go of what is made for frames, and of the code behind it."""
        self._keys = None

    @on_demand
    def settle(self) -> None:
        """See to it that some channel carries the data rate, whatever a command or a back-off took away."""
        if not self.channels.choices(self.dr):
            self.channels.restore()
            self.dr = min(self.dr, CHANNEL_MAX_DR)  # which every default channel carries

    def not_below(self, min_dr: int) -> None:
        """Send no slower than this."""
        if self.dr < min_dr:
            self.dr = min_dr
            self.settle()

    @on_demand
    def use_plan(self, plan: Plan, min_dr: int) -> None:
        """Move to the channels and data rates of *plan*; the windows stay as the network set them."""
        self.channels = Channels(plan.channels)
        self.dr = max(min_dr, min(plan.max_dr, self.dr))

    @on_demand
    def is_of(self, dev_addr: int, nwk_s_key: bytes, app_s_key: bytes) -> bool:
        """Whether this address and these keys are its own."""
        return self.dev_addr == dev_addr and self._secrets == (nwk_s_key, app_s_key)

    @on_demand
    def to_wire(self) -> bytes:
        """All of it, at most 173 bytes."""
        return (
            struct.pack(
                _HEAD,
                _VERSION,
                self.dev_addr,
                self._secrets[0],
                self._secrets[1],
                self.first_up,
                self.f_cnt_down + 1,
                self.rx2_freq_hz,
                self.rx1_dr_offset,
                self.rx2_dr,
                self.rx_delay_s,
                self.max_duty_cycle,
                self.dr,
                self.tx_power,
                self.nb_trans,
                self.windows_at[0] << 4 | self.windows_at[1],
            )
            + self.channels.to_wire()
        )


@on_demand
def session_from_wire(wire: bytes, plan: Plan) -> Session | None:
    """What `Session.to_wire` wrote; None when there is nothing, or what another version wrote."""
    if len(wire) <= _HEAD_LEN or wire[0] != _VERSION:
        return None
    head = struct.unpack_from(_HEAD, wire)
    session = Session(head[1], head[2], head[3], plan, head[11])
    session.first_up = head[4]
    session.f_cnt_down = head[5] - 1
    session.rx2_freq_hz = head[6]
    session.rx1_dr_offset, session.rx2_dr, session.rx_delay_s, session.max_duty_cycle = head[7:11]
    session.tx_power, session.nb_trans, windows_at = head[12:15]
    session.windows_at = (windows_at >> 4, windows_at & 15)
    session.channels.from_wire(wire, _HEAD_LEN)
    return session


def has_heard(before: bytes, wire: bytes) -> bool:
    """Whether a downlink came between two that `Session.to_wire` wrote: FCntDown is another."""
    return before[_DOWN_AT : _DOWN_AT + 4] != wire[_DOWN_AT : _DOWN_AT + 4]
