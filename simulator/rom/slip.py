"""SLIP (RFC 1055), as the boot loader frames its packets: END before and after each."""

END, ESC, ESC_END, ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD

MAX_LEN = 0x4000 + 0x100  # the longest packet: a block for the flash with its headers


def framed(packet: bytes) -> bytes:
    """The packet as it goes along the cable."""
    escaped = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + escaped + b"\xc0"


class Unframer:
    """Cuts a stream of bytes into packets; what is too long or escaped wrongly is dropped whole."""

    def __init__(self) -> None:
        self._frame = bytearray()  # as it came, escapes included

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came; returns the packets that are complete."""
        packets = []
        for number, piece in enumerate(data.split(b"\xc0")):
            if number:
                packets += self._closed()
            if len(self._frame) <= 2 * MAX_LEN:
                self._frame += piece
        return packets

    def _closed(self) -> list[bytes]:
        raw = bytes(self._frame)
        self._frame.clear()
        if not raw:
            return []
        packet = raw.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
        wrong = raw.count(b"\xdb") != raw.count(b"\xdb\xdc") + raw.count(b"\xdb\xdd")
        return [] if wrong or len(packet) > MAX_LEN else [packet]
