"""The manifest of a firmware: what a slot must contain, signed for one node (`lampyre.cddl`).

The laptop writes it, the node checks it. On disk it is `[version, floor, name, sha256, name, sha256, …]` as CBOR and
behind that its AES-CMAC under the node's update key, so that a firmware from another town's laptop, or for another
node, is refused.
"""

from . import cbor
from .compat import const
from .errors import MessageError
from .items import array, integer
from .lorawan.cmac import Cmac, same

MANIFEST_NAME = "manifest"  # of its file in the slot
MAX_FILES = const(200)  # twice what there are
MAX_MANIFEST_LEN = const(20480)  # room for so many of the longest names
MAX_VERSION = const(0xFFFFFF)

_MAC_LEN = const(16)
_DIGEST_LEN = const(32)
_MAX_NAME_LEN = const(64)
_UPDATE_KEY_LABEL = b"lampyre: update key of this node"  # longer than any Join-Request, which is signed the same way


class Manifest:
    """version, floor: of the firmware, major << 16 | minor << 8 | patch; files: (name, SHA-256) in order of names.

    floor: once this firmware is confirmed, the node takes none of a lower version. name: path inside the slot, with
    "/" between folders.
    """

    def __init__(self, version: int, floor: int, files: list[tuple[str, bytes]]) -> None:
        self.version = version
        self.floor = floor
        self.files = files

    def encode(self) -> bytes:
        """The part that is signed. Raises MessageError for a version, name or digest that cannot be."""
        items: list[object] = [
            integer(self.version, "manifest: version", 0, MAX_VERSION),
            integer(self.floor, "manifest: floor", 0, self.version),
        ]
        integer(len(self.files), "manifest: number of files", 0, MAX_FILES)
        last = ""
        for name, digest in self.files:
            items.append(_name(name, last))
            items.append(_digest(digest, name))
            last = name
        return cbor.encode(items)

    def sign(self, key: bytes) -> bytes:
        """The whole file, for the node with this 16-byte update key. Raises ProtocolError."""
        body = self.encode()
        return body + Cmac(key).mac(body)


def open_manifest(data: bytes, key: bytes) -> Manifest:
    """Read what `sign` made. Raises ProtocolError when it is cut, changed or made for another node."""
    if len(data) > MAX_MANIFEST_LEN:
        raise MessageError(f"manifest has {len(data)} bytes; expected at most {MAX_MANIFEST_LEN}")
    body = memoryview(data)[:-_MAC_LEN]
    if len(data) <= _MAC_LEN or not same(Cmac(key).mac(body), memoryview(data)[-_MAC_LEN:]):
        raise MessageError("manifest: its signature is wrong: it was cut or changed, or made for another node")
    items = array(cbor.decode(body), "manifest", 2)
    version = integer(items[0], "manifest: version", 0, MAX_VERSION)
    floor = integer(items[1], "manifest: floor", 0, version)
    integer(len(items) // 2 - 1, "manifest: number of files", 0, MAX_FILES)
    if len(items) % 2:
        raise MessageError(f"manifest: {len(items)} items; expected a digest for each name")
    files = []
    last = ""
    for at in range(2, len(items), 2):
        name = _name(items[at], last)
        files.append((name, _digest(items[at + 1], name)))
        last = name
    return Manifest(version, floor, files)


def update_key_of(app_key: bytes) -> bytes:
    """The update key of the node that joins with *app_key*: whoever keeps the one needs not to keep the other."""
    return Cmac(app_key).mac(_UPDATE_KEY_LABEL)


def version_text(version: int) -> str:
    """A version as people write it, such as 1.2.3."""
    return f"{version >> 16}.{version >> 8 & 0xFF}.{version & 0xFF}"


def _name(item: object, last: str) -> str:
    if (
        not isinstance(item, str)
        or not 0 < len(item) <= _MAX_NAME_LEN
        or [char for char in item if not " " < char < "~"]
    ):
        raise MessageError(f"manifest: file name {item!r}; expected 1..{_MAX_NAME_LEN} plain characters")
    if item <= last:
        raise MessageError(f"manifest: '{item}' follows '{last}'; expected names in order, each once")
    return item


def _digest(item: object, name: str) -> bytes:
    if not isinstance(item, bytes) or len(item) != _DIGEST_LEN:
        raise MessageError(f"manifest: {name} has no SHA-256 of {_DIGEST_LEN} bytes")
    return item
