"""Time on air of LoRa and FSK frames in whole microseconds (SX1261/2 DS 6.1.4, SX1276 DS 4.1.1)."""

from .compat import const
from .errors import FrameError

MAX_PHY_LEN = const(255)  # bytes of a PHYPayload: the length in the LoRa header is one byte
MAX_PREAMBLE = const(1000)  # symbols; LoRaWAN sends 8, and 1000 at SF12 still leave every product below 2^30

_BANDWIDTHS_HZ = (125_000, 250_000, 500_000)  # LoRaWAN's; their symbol times are whole microseconds
_LOW_DATA_RATE_US = const(16_000)  # from this symbol time on both chips want LowDataRateOptimize
_FSK_OVERHEAD = const(11)  # preamble 5, sync word 3, length 1, CRC 2 bytes (RP 1.0.3revA §2.2.1)
_FSK_BYTE_US = const(160)  # 8 bits at 50 kbit/s


def symbol_us(sf: int, bw_hz: int) -> int:
    """Duration of one LoRa symbol, 2^SF / BW, in µs: exact, and a multiple of 256.

    sf: 7..12; bw_hz: 125000, 250000 or 500000. Raises FrameError for any other.
    """
    if not 7 <= sf <= 12:
        raise FrameError(f"spreading factor is {sf}; expected 7..12")
    if bw_hz not in _BANDWIDTHS_HZ:
        raise FrameError(f"bandwidth is {bw_hz} Hz; expected 125000, 250000 or 500000")
    return (1 << sf) * (1_000_000 // bw_hz)


def airtime_us(
    phy_len: int,
    sf: int,
    bw_hz: int,
    coding_rate: int = 1,
    preamble_symbols: int = 8,
    explicit_header: bool = True,
    crc: bool = True,
    low_data_rate: bool | None = None,
) -> int:
    """Time on air in µs of a LoRa frame with *phy_len* bytes of PHYPayload (0..255).

    coding_rate: 1..4 for 4/5..4/8. crc: true for LoRaWAN uplinks, false for downlinks. low_data_rate: None sets
    LowDataRateOptimize as LoRaWAN does, from 16 ms a symbol on. Raises FrameError for what no frame can have.
    """
    symbol = symbol_us(sf, bw_hz)
    _check_len(phy_len)
    if not 1 <= coding_rate <= 4:
        raise FrameError(f"coding rate is {coding_rate}; expected 1..4 (4/5..4/8)")
    if not 1 <= preamble_symbols <= MAX_PREAMBLE:
        raise FrameError(f"preamble is {preamble_symbols} symbols; expected 1..{MAX_PREAMBLE}")
    if low_data_rate is None:
        low_data_rate = symbol >= _LOW_DATA_RATE_US
    # The first 8 symbols always carry the header and 4*SF - 28 bits (20 more without a header); blocks carry the rest.
    bits = 8 * phy_len - 4 * sf + 28 + (16 if crc else 0) - (0 if explicit_header else 20)
    block_bits = 4 * (sf - 2 if low_data_rate else sf)
    blocks = max(0, (bits + block_bits - 1) // block_bits)
    symbols = preamble_symbols + 4 + 8 + blocks * (coding_rate + 4)
    return symbols * symbol + symbol // 4  # the sync word and the start of frame take 4.25 symbols


def fsk_airtime_us(phy_len: int) -> int:
    """Time on air in µs of an FSK frame at 50 kbit/s (DR7) with *phy_len* bytes of PHYPayload (0..255)."""
    _check_len(phy_len)
    return (phy_len + _FSK_OVERHEAD) * _FSK_BYTE_US


def _check_len(phy_len: int) -> None:
    if not 0 <= phy_len <= MAX_PHY_LEN:
        raise FrameError(f"PHYPayload of {phy_len} bytes; expected 0..{MAX_PHY_LEN}")
