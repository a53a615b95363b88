"""The datagrams of Semtech's packet forwarder (GWMP 1 and 2), read and written: no socket, no clock, no memory.

Cited as PROTOCOL.TXT (Lora-net/packet_forwarder, v1.4) and PROTOCOL.md (Lora-net/sx1302_hal, v1.6). On the wire:
version(1) token(2) identifier(1), from the forwarder also its EUI(8), then JSON. Nothing here is authenticated, so
everything is bounded, and one bad rxpk never costs its neighbours. Fields that vendors add are passed over.
"""

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass

import orjson

from gateway.links.link import Outcome, Received, Transmit
from protocol.region import DATA_RATES, FSK, data_rate, dr_of

PUSH_DATA = 0x00  # §3.2: frames heard, counts
PUSH_ACK = 0x01
PULL_DATA = 0x02  # §5.2: keepalive; downlinks go where it came from
PULL_RESP = 0x03
PULL_ACK = 0x04
TX_ACK = 0x05  # §5.5, since version 2

VERSIONS = (1, 2)
EUI_LEN = 8
# NB_PKT_MAX of sx1302_hal: what a forwarder fetches from its concentrator at once. More is no forwarder's.
MAX_RXPK = 255
MAX_PHY_LEN = 255  # a LoRa packet's length is one byte

_HEADER_LEN = 4
_ACK_OF = {PUSH_DATA: PUSH_ACK, PULL_DATA: PULL_ACK}
_NAMES = {PUSH_DATA: "PUSH_DATA", PULL_DATA: "PULL_DATA", TX_ACK: "TX_ACK"}
_U32 = 0xFFFFFFFF
_FREQ_MHZ = (137.0, 1020.0)  # what an SX127x can be tuned to
_MAX_ANTENNAS = 16  # of one rxpk; gateways with two are common
_SIGNAL_DB = 300  # far beyond what any radio reports, either way

_FSK_BIT_RATE = 50_000
_FSK_DEVIATION_HZ = 25_000  # RP 1.0.3revA §2.2.3: DR7
_DR_OF_DATR: dict[object, int] = {f"SF{sf}BW{bw_hz // 1000}": dr_of(sf, bw_hz) for sf, bw_hz in DATA_RATES if sf != FSK}

# Figures of `stat` that an operator can use; where the gateway stands is the operator's to tell.
_FIGURES = ("rxnb", "rxok", "rxfw", "ackr", "dwnb", "txnb", "temp")

_OUTCOMES = {
    "NONE": Outcome.SENT,
    "TOO_LATE": Outcome.TOO_LATE,
    "TOO_EARLY": Outcome.TOO_EARLY,
    "COLLISION_PACKET": Outcome.COLLISION,
    "COLLISION_BEACON": Outcome.COLLISION,
    "TX_FREQ": Outcome.TX_FREQ,
    "TX_POWER": Outcome.TX_POWER,  # until v1.4 an error; later a `warn`: sent, with another power
    "GPS_UNLOCKED": Outcome.GPS_UNLOCKED,
}
# Unpadded base64 is common, and the example of PROTOCOL.TXT §4 has both alphabets' characters in one string.
_PADDING = ("", "===", "==", "=")
_BOTH_ALPHABETS = str.maketrans("-_", "+/")


class DatagramError(ValueError):
    """A datagram that no packet forwarder sends; the message is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """What a forwarder sent, its JSON still unread. token: 2 bytes to be echoed. eui: 8 bytes as printed."""

    version: int
    token: bytes
    kind: int
    eui: bytes
    body: bytes


@dataclass(slots=True)
class Push:
    """What a PUSH_DATA says. figures: numbers of its `stat`, None without one.

    Frames that are not among *frames*: bad_crc (rxpk.stat is not 1), unsupported (LR-FHSS, a bandwidth EU868 has not),
    malformed (*error* tells about the last).
    """

    frames: list[Received]
    figures: tuple[tuple[str, float], ...] | None = None
    bad_crc: int = 0
    unsupported: int = 0
    malformed: int = 0
    error: str = ""


def parse(datagram: bytes) -> Datagram:
    """Take a datagram from a forwarder apart; cheap, so that strangers are turned away before their JSON is read.

    Raises DatagramError for versions but 1 and 2, for identifiers no forwarder sends and for a missing EUI.
    """
    if len(datagram) < _HEADER_LEN + EUI_LEN:
        raise DatagramError(f"datagram of {len(datagram)} bytes; a packet forwarder's has at least 12: is this GWMP?")
    version = datagram[0]
    if version not in VERSIONS:
        raise DatagramError(f"GWMP version is {version}; expected 1 or 2")
    kind = datagram[3]
    if kind not in _NAMES:
        raise DatagramError(f"GWMP identifier is 0x{kind:02x}; a forwarder sends PUSH_DATA, PULL_DATA or TX_ACK")
    return Datagram(version, datagram[1:3], kind, datagram[4:12], datagram[12:])


def radio_name(eui: bytes) -> str:
    """What a forwarder's radio is called: `udp:` and its EUI (8 bytes as printed) in hex."""
    return f"udp:{eui.hex()}"


def ack(datagram: Datagram) -> bytes:
    """The PUSH_ACK or PULL_ACK that answers a PUSH_DATA or PULL_DATA (§3.3, §5.3), in its version."""
    return bytes((datagram.version,)) + datagram.token + bytes((_ACK_OF[datagram.kind],))


def read_push(body: bytes, radio: str) -> Push:
    """Read the JSON of a PUSH_DATA (§4); what is wrong with it is counted, nothing is raised."""
    push = Push([])
    root = _json_object(body)
    if root is None:
        push.malformed = 1
        push.error = f"PUSH_DATA of {len(body)} bytes is not a JSON object"
        return push
    rxpks = root.get("rxpk")
    if type(rxpks) is list:
        for rxpk in rxpks[:MAX_RXPK]:
            _read_rxpk(rxpk, radio, push)
        if len(rxpks) > MAX_RXPK:
            push.malformed += len(rxpks) - MAX_RXPK
            push.error = f"PUSH_DATA has {len(rxpks)} rxpk; expected at most {MAX_RXPK}"
    elif rxpks is not None:
        push.malformed += 1
        push.error = "rxpk is not an array"
    stat = root.get("stat")
    if type(stat) is dict:
        push.figures = tuple((name, float(stat[name])) for name in _FIGURES if type(stat.get(name)) in (int, float))
    return push


def read_tx_ack(body: bytes) -> tuple[Outcome, str]:
    """What a TX_ACK (§5.5) says, and its own words where there are any.

    A `warn` is not an error: the frame goes out, with less power than asked. An error not known here is a RADIO_FAULT;
    what cannot be read is NO_ANSWER, because the frame may have gone out.
    """
    if not body.strip(b" \t\r\n\0"):
        return Outcome.SENT, ""
    root = _json_object(body)
    status = root.get("txpk_ack") if root is not None else None
    if type(status) is not dict:
        return Outcome.NO_ANSWER, "TX_ACK without a txpk_ack"
    error = status.get("error")
    if error is None:
        return Outcome.SENT, _warning(status)
    if type(error) is not str:
        return Outcome.NO_ANSWER, "TX_ACK whose error is not a text"
    outcome = _OUTCOMES.get(error, Outcome.RADIO_FAULT)
    return outcome, "" if outcome is Outcome.SENT else _shown(error)


def pull_resp(version: int, token: bytes, transmit: Transmit) -> bytes:
    """The PULL_RESP (§5.4, §6) that asks a forwarder for *transmit*; raises FrameError for a data rate EU868 has not.

    powe is what Transmit.power_dbm is, dBm at the antenna connector; a forwarder whose own configuration names an
    `antenna_gain` subtracts that first, so it has to be 0 there.
    """
    sf, bw_hz = data_rate(transmit.dr)
    txpk: dict[str, object] = {"imme": True} if transmit.counter_us is None else {"tmst": transmit.counter_us}
    txpk |= {"freq": transmit.freq_hz / 1e6, "rfch": 0, "powe": transmit.power_dbm}
    if sf == FSK:
        txpk |= {"modu": "FSK", "datr": _FSK_BIT_RATE, "fdev": _FSK_DEVIATION_HZ}  # FSK frames keep their CRC
    else:
        # Nodes hear inverted IQ only, and no LoRa downlink has a CRC (TS001-1.0.4 §3).
        txpk |= {"modu": "LORA", "datr": f"SF{sf}BW{bw_hz // 1000}", "codr": "4/5", "ipol": True, "ncrc": True}
    txpk |= {
        "size": len(transmit.phy_payload),
        "data": b2a_base64(transmit.phy_payload, newline=False).decode(),
    }
    return bytes((version,)) + token + bytes((PULL_RESP,)) + orjson.dumps({"txpk": txpk})


def _json_object(body: bytes) -> dict[str, object] | None:
    """The JSON object in *body*, None for anything else; orjson refuses nesting beyond 1,024 levels."""
    try:
        root = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return root if type(root) is dict else None


def _read_rxpk(rxpk: object, radio: str, push: Push) -> None:
    """Add what one rxpk (§4) says to *push*: a frame, or the reason why there is none."""
    if type(rxpk) is not dict:
        push.malformed += 1
        push.error = "an rxpk is not an object"
        return
    # Some forwarders leave `stat` out; then the MIC tells, as it does for every frame.
    if rxpk.get("stat", 1) != 1:
        push.bad_crc += 1
        return
    dr = _dr(rxpk)
    if dr is None:
        push.unsupported += 1
        return
    try:
        counter_us, freq, data = rxpk["tmst"], rxpk["freq"], rxpk["data"]
        if type(counter_us) is not int or not 0 <= counter_us <= _U32:
            raise _RxpkError("tmst is not a 32-bit number")
        if type(freq) not in (float, int) or not _FREQ_MHZ[0] <= freq <= _FREQ_MHZ[1]:
            raise _RxpkError("freq is not a number of MHz between 137 and 1020")
        rssi_dbm, snr_db = _signal(rxpk)
        frame = Received(
            radio=radio,
            phy_payload=_payload(data),
            freq_hz=round(freq * 1e6),
            dr=dr,
            counter_us=counter_us,
            rssi_dbm=rssi_dbm,
            snr_db=snr_db,
        )
    except KeyError as error:
        push.malformed += 1
        push.error = f"an rxpk has no {error.args[0]}"
    except _RxpkError as error:
        push.malformed += 1
        push.error = f"in an rxpk {error}"
    else:
        push.frames.append(frame)


class _RxpkError(Exception):
    pass


def _dr(rxpk: dict[str, object]) -> int | None:
    """The data rate that modu and datr name; None where EU868, or this program, has none."""
    datr = rxpk.get("datr")
    if rxpk.get("modu") == "FSK":
        return 7 if datr == _FSK_BIT_RATE else None
    # A forwarder that leaves modu out means LoRa; LR-FHSS has its own datr ("M0CW137") and so finds nothing here.
    return _DR_OF_DATR.get(datr) if type(datr) is str else None


def _payload(data: object) -> bytes:
    if type(data) is not str:
        raise _RxpkError("data is not a text")
    if len(data) > 4 * (MAX_PHY_LEN + 2) // 3:
        raise _RxpkError(f"data has {len(data)} characters; a frame has at most {MAX_PHY_LEN} bytes")
    padded = data + _PADDING[len(data) & 3]
    try:
        phy_payload = a2b_base64(padded, strict_mode=True)
    except (Base64Error, ValueError):
        phy_payload = _web_safe(padded)
    if not 0 < len(phy_payload) <= MAX_PHY_LEN:
        raise _RxpkError(f"data has {len(phy_payload)} bytes; expected 1..{MAX_PHY_LEN}")
    return phy_payload


def _web_safe(padded: str) -> bytes:
    try:
        return a2b_base64(padded.translate(_BOTH_ALPHABETS), strict_mode=True)
    except (Base64Error, ValueError):
        raise _RxpkError("data is not base64") from None


def _signal(rxpk: dict[str, object]) -> tuple[int | None, float | None]:
    """RSSI in dBm and SNR in dB; of several antennas (`rsig`) the one with the best SNR, then the best RSSI."""
    rsig = rxpk.get("rsig")
    if type(rsig) is list and rsig:
        antennas = [
            (_decibels(antenna.get("lsnr")), _decibels(antenna.get("rssic", antenna.get("rssi"))))
            for antenna in rsig[:_MAX_ANTENNAS]
            if type(antenna) is dict
        ]
        if antennas:
            snr_db, rssi = max(antennas, key=_rank)
            return None if rssi is None else round(rssi), snr_db
    rssi = _decibels(rxpk.get("rssi"))
    return None if rssi is None else round(rssi), _decibels(rxpk.get("lsnr"))


def _rank(antenna: tuple[float | None, float | None]) -> tuple[float, float]:
    snr_db, rssi_dbm = antenna
    return (-_SIGNAL_DB if snr_db is None else snr_db, -_SIGNAL_DB if rssi_dbm is None else rssi_dbm)


def _decibels(value: object) -> float | None:
    """A level; None where it is missing or senseless: a frame is not worth less for that."""
    # Not isinstance: JSON's true would be a number.
    if (type(value) is float or type(value) is int) and -_SIGNAL_DB < value < _SIGNAL_DB:
        return float(value)
    return None


def _warning(status: dict[str, object]) -> str:
    warning = status.get("warn")
    if type(warning) is not str:
        return ""
    value = status.get("value")
    return _shown(warning) + (f" {_shown(str(value))}" if type(value) in (int, float, str) else "")


def _shown(text: str) -> str:
    """What a stranger wrote, short enough and harmless in a log."""
    return "".join(char if char.isprintable() else "?" for char in text[:32])
