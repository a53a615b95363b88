"""What can be wrong with bytes that arrive, and with values someone asks us to send.

Every message says where, what was found and what was expected, so that it can be shown as it is.
"""


class ProtocolError(ValueError):
    """Bytes or values that this protocol cannot carry; the root of the family."""


class FrameError(ProtocolError):
    """A LoRaWAN frame, address, key or MAC command that breaks TS001-1.0.4."""


class CborError(ProtocolError):
    """Bytes that are not the deterministic CBOR of RFC 8949 that both ends use, or a value it cannot carry."""


class MessageError(ProtocolError):
    """A reading, event, status, order, receipt or programme that does not follow `lampyre.cddl`."""


class EnvelopeError(ProtocolError):
    """An envelope on the cable that was cut, changed or is of another version."""


class SettingsError(ProtocolError):
    """Settings of a node that are missing, unknown, out of range or contradict each other; a line for each."""
