"""The local API's socket: a Unix socket, because whoever may open it may command the gateway, and nobody else.

Keys are told to root and to the gateway's own user alone, whom the kernel names (SO_PEERCRED).
"""

import functools
import grp
import os
import socket
from pathlib import Path

from gateway.api.http import HttpServer
from gateway.api.routes import answer
from gateway.api.station import Station

_BACKLOG = 8


class ApiServer:
    """Answers for *station* from `start` to `close`. permissions: 0o600 or 0o660, with the *group* that may command."""

    def __init__(self, station: Station, path: Path, permissions: int = 0o660, group: str | None = None) -> None:
        self._http = HttpServer(functools.partial(answer, station))
        self._path = path
        self._permissions = permissions
        self._group = group
        self._bound = False

    async def start(self) -> None:
        """Bind. Raises OSError with a sentence when the path cannot be used or another gateway answers there."""
        listening = _bind(self._path, self._permissions, self._group)
        self._bound = True
        await self._http.start(listening)

    async def close(self) -> None:
        """Answer no more, and remove the socket."""
        await self._http.close()
        if self._bound:  # else the path is another's
            self._path.unlink(missing_ok=True)
            self._bound = False


def _bind(path: Path, permissions: int, group: str | None) -> socket.socket:
    if len(os.fsencode(path)) > 107:
        raise OSError(f"{path} is longer than a Unix socket's name may be (107 bytes); choose a shorter [api] socket")
    _remove_stale(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # nobody else may connect before the group is set
    try:
        listening.bind(os.fspath(path))
        if group is not None:
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
        path.chmod(permissions)
        listening.listen(_BACKLOG)
    except KeyError:
        listening.close()
        raise OSError(f"there is no group {group}; create it (`groupadd {group}`) or change [api] group") from None
    except OSError as error:
        listening.close()
        raise OSError(
            f"{path}: {error.strerror}; does its folder exist, and may the gateway's user write there?"
        ) from None
    finally:
        os.umask(before)
    listening.setblocking(False)
    return listening


def _remove_stale(path: Path) -> None:
    """Remove the socket that a gateway left behind when it was killed."""
    if not path.is_socket():
        if path.exists():
            raise OSError(f"{path} exists and is no socket; choose another [api] socket")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # one whose queue is full of others is another gateway's, too
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass
        except OSError as error:
            raise OSError(f"{path}: {error.strerror}; remove it if no gateway runs") from None
    raise OSError(f"another gateway answers on {path}; stop it, or give this one its own [api] socket")
