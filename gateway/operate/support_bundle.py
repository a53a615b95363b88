"""`lampyre gateway support-bundle`: what a developer needs to see what happened, and no key, password or token.

Keys are left out where they are made, not searched for afterwards: nothing that can hold one is an argument here.
"""

import importlib.metadata
import io
import json
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_LOG = 1 << 20  # bytes of the log's end
MAX_ROWS = 1000  # of uplinks and of quarantine; the tables hold no more


def write_bundle(path: Path, parts: Mapping[str, Any], log: str) -> list[str]:
    """Write a tar.gz (0600) with a JSON file for each of *parts* and the end of *log*; returns the names in it.

    Raises FileExistsError rather than replace a file.
    """
    files = {f"{name}.json": json.dumps(part, indent=1, default=str).encode() for name, part in parts.items()}
    files["log.txt"] = log.encode(errors="replace")[-MAX_LOG:]
    with path.open("xb") as raw:
        path.chmod(0o600)
        with tarfile.open(fileobj=raw, mode="w:gz") as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(f"lampyre-support/{name}")
                entry.size = len(data)
                entry.mode = 0o600
                entry.mtime = int(time.time())
                archive.addfile(entry, io.BytesIO(data))
    return list(files)


def version() -> str:
    """Lampyre's, as it is installed."""
    try:
        return importlib.metadata.version("lampyre")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def without_payloads(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the quarantine without what was decrypted: reason, device and length tell enough, and to whom."""
    kept = []
    for row in rows:
        row = dict(row)
        payload = row.pop("payload", "")
        row["payload_len"] = len(payload) // 2
        kept.append(row)
    return kept
