"""A newer firmware for a node that hangs already: into the slot that does not run, and tried from the restart on.

Only what differs is copied. The manifest is signed on the board, with the update key that it has: the laptop needs no
key, and the node checks all of it before it tries anything (`firmware/store/slots.py`). A cut leaves a slot at which
nobody looks, and the next run goes on with it.
"""

from dataclasses import dataclass
from typing import Any

from boards.causes import BoardError, Cause
from boards.firmware.bundle import Bundle
from boards.node import copying
from boards.node.console import Clock, Console, RealClock, states
from boards.node.copying import Progress
from boards.node.prompt import Prompt, open_prompt
from protocol.manifest import MANIFEST_NAME, Manifest, version_text

_FLOOR = 0  # over the cable a technician may go back
_SLOTS = ("/a", "/b")
_SLOT_B = 1
_TRIAL = 2
_BOOT = "import esp32\ntry:\n print(esp32.NVS('lampyre').get_i32('boot'))\nexcept OSError:\n print(0)\n"
# AES-CMAC (RFC 4493) of what is in `m`, under the node's update key; what is printed is no secret.
_SIGN = """import esp32
from cryptolib import aes
k=bytearray(16)
n=esp32.NVS('lampyre').get_blob('update_key',k)
c=aes(bytes(k),1)
def d(v):
 v=int.from_bytes(v,'big')<<1
 if v>>128:
  v=v&((1<<128)-1)^0x87
 return v.to_bytes(16,'big')
def x(a,b):
 return bytes([p^q for p,q in zip(a,b)])
z=d(c.encrypt(bytes(16)))
t=bytes(16)
w=(len(m)-1)//16*16
for i in range(0,w,16):
 t=c.encrypt(x(t,m[i:i+16]))
r=m[w:]
if len(r)<16:
 z=d(z)
 r=r+b'\\x80'+bytes(15-len(r))
print(c.encrypt(x(t,x(r,z))).hex())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """slot: in which the new firmware is tried; "" if nothing had to be done. before: the version that ran."""

    slot: str
    before: str
    now: str
    files: int = 0


def update(path: str, bundle: Bundle, progress: Progress, clock: Clock | None = None) -> Updated:
    """Bring a node's firmware up to date. Raises BoardError; the same again goes on."""
    clock = clock or RealClock()
    now = version_text(bundle.version)
    with Console(path, clock) as console:
        console.wake()
        told = states(console.ask("status"))
    before = told.get("firmware", "")
    if told.get("on_trial") == "yes":
        return Updated(slot="", before=before, now=now)
    prompt = open_prompt(path, clock)
    if prompt is None:
        raise BoardError(Cause.NO_ANSWER, port=path)
    with prompt:
        spare, files = _fill(prompt, bundle, progress)
        prompt.restart()
    with Console(path, clock) as console:
        console.wake()
        console.ask("update stage")
        console.restart()
    return Updated(slot=spare, before=before, now=now, files=files)


def _fill(prompt: Prompt, bundle: Bundle, progress: Progress) -> tuple[str, int]:
    """Make the spare slot the bundle's; which it is, and how many files were written."""
    state = int(prompt.run(_BOOT).strip() or "0")
    if state & _TRIAL:
        raise BoardError(Cause.NODE_REFUSED, detail="an update is on trial already; wait until it has ended")
    if prompt.mpy != bundle.mpy:
        raise BoardError(Cause.CODE_UNFIT, port=prompt.path, found=prompt.mpy, expected=bundle.mpy)
    spare = _SLOTS[1 - (state & _SLOT_B)]
    body = Manifest(bundle.version, _FLOOR, bundle.digests()).encode()
    signed = body + _signature(prompt, body)
    written = copying.copy(prompt, spare, {**bundle.slot, MANIFEST_NAME: signed}, progress)
    return spare, written


def _signature(prompt: Prompt, body: bytes) -> bytes:
    said: Any = prompt.run(copying.held(body) + _SIGN).strip()
    try:
        signature = bytes.fromhex(said)
    except ValueError as error:
        raise BoardError(Cause.NOISE, port=prompt.path, detail=f"'{said[:60]}'") from error
    return signature
