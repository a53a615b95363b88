"""Uplinks as the application hears them, for the tests of its rooms."""

from gateway.links.link import Received
from gateway.network.application import Uplink
from gateway.network.registration import Registration, Role
from protocol.telemetry import Reading, Status, encode_readings, encode_status

OFFSET_MS = 1_790_000_000_000  # Unix ms when the gateway's monotonic clock began; a whole second
BOOT = 12
NODE = Registration(device=5, dev_eui=bytes([2, 0, 0, 0, 0, 0, 0, 1]), role=Role.AIR, gen_app_key=bytes(range(16)))
LAMP = Registration(device=6, dev_eui=bytes([2, 0, 0, 0, 0, 0, 0, 2]), role=Role.LIGHT, class_c=True)
FOREIGN = Registration(device=7, dev_eui=bytes([2, 0, 0, 0, 0, 0, 0, 3]), role=Role.FOREIGN)
AIRTIME_MS = 60
BEST = Received(radio="udp:0200000000000001", phy_payload=b"", freq_hz=868_100_000, dr=5)
VALUES = (84, 96, 112, 140, 431, 214, 63, 10132)  # of set 3


def uplink(f_port, payload, at_ms=10_000_000, offset_ms=OFFSET_MS, device=NODE, session=0, f_cnt=1):
    """A frame whose end was heard at *at_ms*."""
    return Uplink(
        registration=device,
        session=session,
        f_cnt=f_cnt,
        f_port=f_port,
        payload=payload,
        received_ms=at_ms,
        offset_ms=offset_ms,
        airtime_ms=AIRTIME_MS,
        best=BEST,
    )


def status_payload(epoch=7, next_seq=0):
    """A status that says where a log is."""
    return encode_status(Status((1, 2, 3), epoch, 1, 3600, 3612, None, "OSError 5", 17, next_seq), 51)


def readings_payload(seq, older=3, age_s=5, room=222, spacing_s=900):
    """Reading *seq*, *age_s* old, and those before it."""
    rows = [Reading(seq - n, 1, 1_000_000 - age_s - spacing_s * n, VALUES) for n in range(min(older, seq) + 1)]
    return encode_readings(3, rows, 1, 1_000_000, room)[0]
