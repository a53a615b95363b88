"""The radios of a cabinet, each with its packet forwarder, and what forwarders say (GWMP)."""

from gateway.links import semtech
from gateway.links.forwarders import Address
from gateway.links.link import Outcome

PULL_US = 20_000_000  # between two PULL_DATA of a forwarder: often enough not to be taken for silent


class Concentrator:
    """A concentrator with its packet forwarder. gone: reasons why it is off; cut: why it does not reach the gateway."""

    __slots__ = ("address", "cut", "eui", "gone", "link", "name", "token")

    def __init__(self, name: str, eui: bytes, number: int) -> None:
        self.name = name
        self.eui = eui
        self.link = semtech.radio_name(eui)  # what the gateway calls it
        self.address: Address = (f"10.0.{number >> 8}.{number & 0xFF}", 1700)
        self.gone = 0
        self.cut = 0
        self.token = 0


def pull_data(radio: Concentrator) -> bytes:
    """The next PULL_DATA of a forwarder (GWMP §5.2)."""
    radio.token = (radio.token + 1) & 0xFFFF
    return bytes((2, radio.token >> 8, radio.token & 0xFF, semtech.PULL_DATA)) + radio.eui


def tx_ack(pull_resp: bytes, radio: str, outcome: Outcome) -> bytes:
    """A forwarder's answer to *pull_resp* (GWMP §5.5)."""
    head = pull_resp[:3] + bytes((semtech.TX_ACK,)) + bytes.fromhex(radio.removeprefix("udp:"))
    return head if outcome is Outcome.SENT else head + b'{"txpk_ack":{"error":"%s"}}' % outcome.name.encode()
