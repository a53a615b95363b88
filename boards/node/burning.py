"""Who a node is, into its NVS at the prompt: keys first, settings last, so that half of it is no node.

Nothing that was written is read out: whether a key on the board is the right one is asked by a salted digest.
"""

import hashlib
import secrets
from collections.abc import Mapping

from boards.causes import BoardError, Cause
from boards.enrolment.identity import Identity
from boards.node.prompt import Prompt
from protocol.errors import ProtocolError
from protocol.settings import Settings

_HELPERS = """import esp32,hashlib
n=esp32.NVS('lampyre')
def g(k):
 b=bytearray(1984)
 try:
  return bytes(b[:n.get_blob(k,b)])
 except OSError:
  return b''
def e(k):
 try:
  n.erase_key(k)
 except OSError:
  pass
"""
# What a node learnt under another identity (firmware/body/kept.py), and where its updates stood.
_LEARNT = (
    *("session", "airtime", "mc0", "mc1", "mc2", "mc3", "f_cnt_up", "dev_nonce", "join_nonce", "plan"),
    *("orders", "bays", "programme", "light", "error", "boot", "floor"),
)
_KEYS = ("app_key", "gen_app_key", "update_key")


def dev_eui_on(prompt: Prompt) -> bytes:
    """The DevEUI that the board's settings have, b"" if it has none that can be read."""
    found = prompt.run(_HELPERS + "print(g('settings').hex())\n").strip()
    try:
        return Settings.decode(bytes.fromhex(found)).dev_eui if found else b""
    except (ValueError, ProtocolError):
        return b""


def has_keys(prompt: Prompt, identity: Identity) -> bool:
    """Whether the board's keys are those of *identity*."""
    return _same(prompt, _keys_of(identity))


def burn(prompt: Prompt, identity: Identity | None, settings: Settings, site: bytes) -> bool:
    """Make the board's identity and settings these; whether anything was written. Raises BoardError.

    identity: None leaves the keys that are there.
    """
    blobs = {} if identity is None else _keys_of(identity)
    if site:
        blobs["site"] = site
    last = {"settings": settings.encode()}
    moved = identity is not None and not _same(prompt, _keys_of(identity))
    if not moved and _same(prompt, blobs | last):
        return False
    code = _HELPERS + "e('settings')\nn.commit()\n"
    if moved:
        code += "".join(f"e({key!r})\n" for key in _LEARNT) + "n.commit()\n" + _EMPTY_LOG
    code += "".join(f"n.set_blob({key!r},bytes.fromhex({value.hex()!r}))\n" for key, value in blobs.items())
    code += "n.commit()\n"
    prompt.run(code)
    if not _same(prompt, blobs):
        raise BoardError(Cause.FLASH_FAULTY, port=prompt.path, detail="NVS")
    prompt.run(_HELPERS + f"n.set_blob('settings',bytes.fromhex({last['settings'].hex()!r}))\nn.commit()\n")
    if not _same(prompt, last):
        raise BoardError(Cause.FLASH_FAULTY, port=prompt.path, detail="NVS")
    return True


def choose_slot_a(prompt: Prompt) -> None:
    """From the next start on /a runs, whatever was tried or confirmed before."""
    prompt.run(
        _HELPERS + "try:\n b=n.get_i32('boot')\nexcept OSError:\n b=0\nif b:\n n.set_i32('boot',0)\n n.commit()\n"
    )


_EMPTY_LOG = """import os
try:
 for f in os.listdir('/log'):
  os.remove('/log/'+f)
except OSError:
 pass
"""


def _keys_of(identity: Identity) -> dict[str, bytes]:
    return dict(zip(_KEYS, (identity.app_key, identity.gen_app_key, identity.update_key), strict=True))


def _same(prompt: Prompt, blobs: Mapping[str, bytes]) -> bool:
    """Whether NVS has these, each asked by a digest over a salt that is used once."""
    salt = secrets.token_bytes(16)
    names = ",".join(repr(name) for name in sorted(blobs))
    code = f"for k in [{names}]:\n print(hashlib.sha256(bytes.fromhex({salt.hex()!r})+g(k)).digest().hex())\n"
    said = prompt.run(_HELPERS + code).split()
    return said == [hashlib.sha256(salt + blobs[name]).hexdigest() for name in sorted(blobs)]
