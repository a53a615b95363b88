"""The pass of the remote door: a token of which only the hash is kept, the certificate to show, until when.

Both lie in the store's folder, 0600: `remote.json` and `remote.pem`. Time is that of the machine since it started, and
a pass holds for that start alone: a clock that is set back, or wrong after a power cut, cannot prolong it.
"""

import contextlib
import hashlib
import hmac
import ipaddress
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.store.files import write_private

if TYPE_CHECKING:
    from cryptography import x509

PASS_NAME = "remote.json"
CERTIFICATE_NAME = "remote.pem"
MAX_HOURS = 72  # a street's work; longer is a door that somebody forgot
_MAX_LEN = 4096  # of either file; a pass has 300 bytes, a certificate with its key 900
_TOKEN_LEN = 32
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class PassError(Exception):
    """The pass cannot be taken; the text is a sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemotePass:
    """Whoever shows the token may read the API and register devices, until *expires_s* of the boot named *boot_id*.

    host, port: where to listen. Hashes are SHA-256 in hex, of the token's text and of the certificate in DER.
    """

    host: str
    port: int
    boot_id: str
    expires_s: float
    token_sha256: str
    certificate_sha256: str

    def admits(self, token: str) -> bool:
        """Whether it is this token; takes as long for one that is nearly right."""
        return hmac.compare_digest(_sha256(token.encode()), self.token_sha256)


@dataclass(frozen=True, slots=True)
class Issued:
    """What a person carries to the client. It is never kept here: a lost token is replaced by a new one."""

    token: str
    certificate_sha256: str


def boot_id() -> str:
    """The kernel's name for the time since this machine started (proc(5))."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def boot_s() -> float:
    """Seconds since this machine started, asleep or not."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def issue(folder: Path, hours: float, address: tuple[str, int], names: Sequence[str], now_s: float) -> Issued:
    """Write a pass for so many *hours* from *now_s* on, instead of the one before. Raises OSError."""
    pem, certificate_sha256 = _certificate(names)
    token = secrets.token_urlsafe(_TOKEN_LEN)
    made = RemotePass(
        host=address[0],
        port=address[1],
        boot_id=boot_id(),
        expires_s=now_s + hours * 3600,
        token_sha256=_sha256(token.encode()),
        certificate_sha256=certificate_sha256,
    )
    withdraw(folder)  # first: a gateway that looks in between sees no pass, instead of one with a wrong certificate
    write_private(folder / CERTIFICATE_NAME, pem)
    write_private(folder / PASS_NAME, json.dumps(asdict(made)).encode())
    return Issued(token, certificate_sha256)


def withdraw(folder: Path) -> bool:
    """Remove the pass and its certificate; returns whether there was one. Raises OSError."""
    there = (folder / PASS_NAME).exists()
    for name in (PASS_NAME, CERTIFICATE_NAME):
        with contextlib.suppress(FileNotFoundError):
            (folder / name).unlink()
    return there


def read_pass(folder: Path, now_s: float) -> RemotePass | None:
    """The pass that holds at *now_s*; None: there is none. Raises PassError for all that is not exactly one."""
    path = folder / PASS_NAME
    try:
        found = _parse(path, _private(path))
    except FileNotFoundError:
        return None
    if found.boot_id != boot_id():
        raise PassError(f"{path} is from before this machine started; issue another: lampyre gateway api open")
    if now_s >= found.expires_s:
        raise PassError(f"{path} has expired; issue another: lampyre gateway api open")
    if not found.expires_s <= now_s + MAX_HOURS * 3600:  # nor is NaN
        raise PassError(f"{path} holds for more than {MAX_HOURS} hours; issue another: lampyre gateway api open")
    certificate = folder / CERTIFICATE_NAME
    try:
        shown = _fingerprint(_private(certificate))
    except FileNotFoundError:
        raise PassError(f"{certificate} is missing; issue both anew: lampyre gateway api open") from None
    if shown != found.certificate_sha256:
        raise PassError(f"{certificate} is not the one that {path} names; issue both anew: lampyre gateway api open")
    return found


def _private(path: Path) -> bytes:
    """What a small file of ours alone holds. Raises FileNotFoundError, and PassError for any other."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PassError(f"{path}: {error.strerror}; remove it, then run lampyre gateway api open") from None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise PassError(f"{path} is no file of the gateway's user; remove it, then run lampyre gateway api open")
        if found.st_mode & 0o077:
            mode = f"{stat.S_IMODE(found.st_mode):04o}"
            raise PassError(f"{path} has mode {mode} and must have 0600: others may know it; issue it anew")
        content = os.read(fd, _MAX_LEN + 1)
    finally:
        os.close(fd)
    if len(content) > _MAX_LEN:
        raise PassError(f"{path} has more than {_MAX_LEN} bytes; issue it anew: lampyre gateway api open")
    return content


def _parse(path: Path, content: bytes) -> RemotePass:
    damaged = PassError(f"{path} is damaged; issue it anew: lampyre gateway api open")
    try:
        form = json.loads(content)
        found = RemotePass(**form)
    except (ValueError, TypeError, RecursionError):
        raise damaged from None
    texts = (found.host, found.boot_id, found.token_sha256, found.certificate_sha256)
    if not all(isinstance(text, str) for text in texts) or not re.fullmatch("[0-9a-f]{64}", found.token_sha256):
        raise damaged
    if type(found.port) is not int or not 0 <= found.port < 65536 or type(found.expires_s) not in (int, float):
        raise damaged
    return found


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _fingerprint(pem: bytes) -> str:
    """SHA-256 of the certificate in *pem* as a client computes it; "" if there is none."""
    import ssl

    text = pem.decode("ascii", "replace")
    start = text.find(ssl.PEM_HEADER)
    end = text.find(ssl.PEM_FOOTER)
    try:
        return _sha256(ssl.PEM_cert_to_DER_cert(text[start : end + len(ssl.PEM_FOOTER)]))
    except ValueError:
        return ""


def _certificate(names: Sequence[str]) -> tuple[bytes, str]:
    """A self-signed certificate with its key as PEM, and its fingerprint. *names*: host names and addresses."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lampyre gateway")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(
            issuer_name=name,
            subject_name=name,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            # The token's time is what counts; this machine's clock may be wrong, and the technician's as well.
            not_valid_before=now - timedelta(days=365),
            not_valid_after=now + timedelta(days=365),
        )
        .add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + private
    return pem, certificate.fingerprint(hashes.SHA256()).hex()


def _general(name: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
