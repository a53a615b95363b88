"""EU863-870 as tables: data rates, channels, sub-bands, windows, powers, and the two plans that use them.

Cited as RP 1.0.3revA §2.2 (LoRaWAN Regional Parameters, EU863-870; RP002 carries the same figures for DR0 to DR7)
and EN 300 220-2 (sub-bands). LR-FHSS (DR8 to DR11) is left out: none of our radios speaks it.
"""

from .airtime import airtime_us, fsk_airtime_us, symbol_us
from .compat import const
from .errors import FrameError

FSK = const(0)  # stands where a spreading factor would: FSK at 50 kbit/s, which has no LoRa bandwidth either
DATA_RATES = (  # (spreading factor, bandwidth in Hz) of DR0..DR7 (RP 1.0.3revA §2.2.3)
    (12, 125_000),
    (11, 125_000),
    (10, 125_000),
    (9, 125_000),
    (8, 125_000),
    (7, 125_000),
    (7, 250_000),
    (FSK, 0),
)
CHANNEL_MAX_DR = const(5)  # default and CFList channels carry DR0..DR5 (RP 1.0.3revA §2.2.2 and §2.2.4)

STANDARD_CHANNELS = (  # Hz, by channel index
    868_100_000,
    868_300_000,
    868_500_000,
    867_100_000,
    867_300_000,
    867_500_000,
    867_700_000,
    867_900_000,
)
DEFAULT_CHANNELS = STANDARD_CHANNELS[:3]  # every node has these, joins use them alone, and no command changes them
MAX_CHANNELS = const(16)
RX2_FREQ_HZ = const(869_525_000)
RX2_DR = const(0)  # the standard's; our plans set DR3
MAX_RX1_DR_OFFSET = const(5)

RECEIVE_DELAY1_S = const(1)  # RX2 opens one second after RX1, here and after a join (RP 1.0.3revA §2.2.9)
JOIN_ACCEPT_DELAY1_S = const(5)
ADR_ACK_LIMIT = const(64)
ADR_ACK_DELAY = const(32)

MAX_EIRP_DBM = const(16)
MAX_TX_POWER = const(7)
KEEP = const(15)  # as DataRate or TXPower of a LinkADRReq: leave it as it is (TS001-1.0.4 §5.3)

_PAYLOAD = (51, 51, 51, 115, 242, 242, 242, 242)  # N of RP 1.0.3revA §2.2.6
_REPEATER_PAYLOAD = const(222)
_FHDR_AND_FPORT = const(8)
_MAX_FOPTS = const(15)
_MAX_WINDOW_ERROR_US = const(3_000_000)  # beyond the longest window there is nothing left to compute
_FSK_SYMBOL_US = const(160)  # for windows an FSK symbol is one byte, as in LoRaMac-node


class SubBand:
    """One range of EN 300 220-2 with its own duty cycle and power; *name* is that table's letter."""

    def __init__(self, name: str, low_hz: int, high_hz: int, duty_per_mille: int, max_erp_dbm: int) -> None:
        self.name = name
        self.low_hz = low_hz
        self.high_hz = high_hz
        self.duty_per_mille = duty_per_mille  # of any sliding hour
        self.max_erp_dbm = max_erp_dbm  # EIRP is 2.15 dB more
        self.airtime_ms_per_hour = 3600 * duty_per_mille


SUB_BANDS = (
    SubBand("K", 863_000_000, 865_000_000, 1, 14),
    SubBand("L", 865_000_000, 868_000_000, 10, 14),
    SubBand("M", 868_000_000, 868_600_000, 10, 14),
    SubBand("N", 868_700_000, 869_200_000, 1, 14),
    SubBand("P", 869_400_000, 869_650_000, 100, 27),
    SubBand("Q", 869_700_000, 870_000_000, 10, 14),  # lorawan-stack calls it R
)


class Plan:
    """A named way to use the band, chosen per site; *number* stands for it on the wire.

    channels: Hz, by channel index, each with DR0..DR5. join_channels: Hz. min_dr..max_dr: data rates of joins and
    uplinks. adr: whether nodes let the network choose their data rate. max_nodes: None when the radio sets no limit.
    """

    def __init__(
        self,
        number: int,
        name: str,
        channels: tuple[int, ...],
        join_channels: tuple[int, ...],
        min_dr: int,
        max_dr: int,
        adr: bool,
        max_nodes: int | None,
    ) -> None:
        self.number = number
        self.name = name
        self.channels = channels
        self.join_channels = join_channels
        self.min_dr = min_dr
        self.max_dr = max_dr
        self.adr = adr
        self.max_nodes = max_nodes
        self.rx2_freq_hz = RX2_FREQ_HZ
        self.rx2_dr = 3  # a seventh of DR0's airtime: one gateway serves a class C street from sub-band P
        self.rx_delay_s = 5  # an SD card may stall for a second; 1 s is possible where the gateway's disk allows it


FULL = Plan(0, "full", STANDARD_CHANNELS, DEFAULT_CHANNELS, 0, CHANNEL_MAX_DR, True, None)
# A bridge hears one channel at one spreading factor. SF9 reaches down a street and is RX2's rate as well; 50 nodes with
# a quarter-second frame every 15 minutes fill 1.4 % of it, so that collisions stay rarer than fading.
SINGLE_CHANNEL = Plan(1, "single-channel", DEFAULT_CHANNELS[:1], DEFAULT_CHANNELS[:1], 3, 3, False, 50)
PLANS = (FULL, SINGLE_CHANNEL)  # by number


def plan_named(name: str) -> Plan:
    """The plan called *name*; raises FrameError with the names there are."""
    for plan in PLANS:
        if plan.name == name:
            return plan
    raise FrameError(f"no channel plan is called '{name}'; expected one of {', '.join([plan.name for plan in PLANS])}")


def data_rate(dr: int) -> tuple[int, int]:
    """(spreading factor, bandwidth in Hz) of *dr*, (FSK, 0) for DR7. Raises FrameError outside DR0..DR7."""
    _check_dr(dr)
    return DATA_RATES[dr]


def dr_of(sf: int, bw_hz: int) -> int:
    """The data rate with spreading factor *sf* (or FSK) and bandwidth *bw_hz*; raises FrameError if EU868 has none."""
    for dr in range(len(DATA_RATES)):
        if DATA_RATES[dr] == (sf, bw_hz):
            return dr
    raise FrameError(f"no EU868 data rate has SF{sf} at {bw_hz} Hz; expected SF7..12 at 125000 Hz or SF7 at 250000 Hz")


def rx1_dr(up_dr: int, offset: int) -> int:
    """Data rate of RX1 after an uplink at *up_dr* with RX1DROffset *offset* (RP 1.0.3revA §2.2.7).

    Raises FrameError outside DR0..DR7 and offsets 0..5.
    """
    _check_dr(up_dr)
    if not 0 <= offset <= MAX_RX1_DR_OFFSET:
        raise FrameError(f"RX1DROffset is {offset}; EU868 allows 0..{MAX_RX1_DR_OFFSET}")
    return max(0, up_dr - offset)


def max_payload(dr: int, f_opts_len: int = 0, repeater: bool = True) -> int:
    """Bytes of FRMPayload that fit at *dr* beside *f_opts_len* (0..15) bytes of FOpts (N of RP 1.0.3revA §2.2.6).

    repeater: keep 20 bytes free for one from DR4 on. A sender cannot know that there is none; a receiver passes False.
    Raises FrameError outside DR0..DR7 and 0..15.
    """
    _check_dr(dr)
    if not 0 <= f_opts_len <= _MAX_FOPTS:
        raise FrameError(f"FOpts of {f_opts_len} bytes; a frame carries 0..{_MAX_FOPTS}")
    limit = _PAYLOAD[dr]
    if repeater:
        limit = min(limit, _REPEATER_PAYLOAD)
    return limit - f_opts_len


def max_mac_payload(dr: int, repeater: bool = True) -> int:
    """Bytes of MACPayload (FHDR, FPort and FRMPayload) that *dr* carries: M of RP 1.0.3revA §2.2.6."""
    return max_payload(dr, 0, repeater) + _FHDR_AND_FPORT


def eirp_dbm(tx_power: int, max_eirp_dbm: int = MAX_EIRP_DBM) -> int:
    """EIRP in dBm of TXPower index 0..7 (RP 1.0.3revA §2.2.3). Raises FrameError for others, KEEP among them."""
    if not 0 <= tx_power <= MAX_TX_POWER:
        raise FrameError(f"TXPower is {tx_power}; EU868 has 0..{MAX_TX_POWER}")
    return max_eirp_dbm - 2 * tx_power


def sub_band(freq_hz: int, bw_hz: int = 125_000) -> SubBand:
    """The sub-band that holds the whole channel of *bw_hz* around *freq_hz*; raises FrameError if none does.

    Stricter than LoRaMac-node, which looks at the centre alone: a channel across an edge breaks the rules beyond it.
    """
    half = bw_hz // 2
    for band in SUB_BANDS:
        if band.low_hz + half <= freq_hz <= band.high_hz - half:
            return band
    raise FrameError(
        f"{freq_hz} Hz with {bw_hz} Hz of bandwidth lies in no EU868 sub-band; expected all of it within "
        "863-865, 865-868, 868-868.6, 868.7-869.2, 869.4-869.65 or 869.7-870 MHz"
    )


def is_channel(freq_hz: int) -> bool:
    """Whether CFList, NewChannelReq and DlChannelReq can name this frequency: whole 100 Hz, inside a sub-band."""
    try:
        sub_band(freq_hz)
    except FrameError:
        return False
    return freq_hz % 100 == 0


def frame_airtime_us(dr: int, phy_len: int, uplink: bool = True) -> int:
    """Time on air in µs of *phy_len* bytes at *dr*; of LoRa frames only uplinks carry a CRC (TS001-1.0.4 §3)."""
    sf, bw_hz = data_rate(dr)
    if sf == FSK:
        return fsk_airtime_us(phy_len)
    return airtime_us(phy_len, sf, bw_hz, crc=uplink)


def off_time_ms(frame_us: int, band: SubBand) -> int:
    """Milliseconds of silence in *band* after a frame of *frame_us* (up to 1000 s) on air, rounded up.

    This paces a sender. By itself it can pass the limit of a sliding hour by a part of one frame; the ledger of a
    MAC or gateway, fed with `airtime_ms_per_hour`, is what holds it. Raises FrameError outside 0..1000 s.
    """
    if not 0 <= frame_us <= 1_000_000_000:
        raise FrameError(f"time on air is {frame_us} us; expected 0..1000000000")
    frame_ms = (frame_us + 999) // 1000
    return (frame_ms * (1000 - band.duty_per_mille) + band.duty_per_mille - 1) // band.duty_per_mille


def rx_window(dr: int, error_us: int, min_symbols: int = 6, wake_us: int = 0) -> tuple[int, int]:
    """How long a receive window stays open for a preamble, and when it opens: (symbols, offset in µs).

    error_us: how far the node's clock may be off at the window, either way, 0..3000000. min_symbols: what the radio
    needs to lock, 1..255. wake_us: time from command to listening. The offset counts from the nominal start of the
    window, below zero for before (LoRaMac-node, RegionCommonComputeRxWindowParameters, there in ms). A symbol of DR7
    is a byte. An SX126x counts up to 248 symbols, an SX127x 1023: drivers set their timer beyond.
    Raises FrameError outside DR0..DR7 and these ranges.
    """
    sf, bw_hz = data_rate(dr)
    if not 0 <= error_us <= _MAX_WINDOW_ERROR_US:
        raise FrameError(f"clock error is {error_us} us; expected 0..{_MAX_WINDOW_ERROR_US}")
    if not 1 <= min_symbols <= 255:
        raise FrameError(f"a window of at least {min_symbols} symbols; expected 1..255")
    symbol = _FSK_SYMBOL_US if sf == FSK else symbol_us(sf, bw_hz)
    symbols = max(2 * min_symbols - 8 + (2 * error_us + symbol - 1) // symbol, min_symbols)
    return symbols, 4 * symbol - symbols * symbol // 2 - wake_us


def _check_dr(dr: int) -> None:
    if not 0 <= dr < len(DATA_RATES):
        raise FrameError(f"data rate is DR{dr}; expected DR0..DR{len(DATA_RATES) - 1}")
