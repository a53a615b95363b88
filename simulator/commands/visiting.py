"""The virtual boards beside a run's nodes: there when the computer has what they need, else a sentence says why not."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator.board.process import Host, HostError
from simulator.chain.chain import Chain
from simulator.chain.guests import BOARDS, Guests, told
from simulator.report.saying import Text, same

_NONE = Text(
    "no virtual boards beside them: {why}",
    "pas de cartes virtuelles à côté d’eux\u00a0: {why}",
)


@contextmanager
def visited(chain: Chain, firmware: Path | None) -> Iterator[list[Text]]:
    """Boards with the files in *firmware*, path by path as on their flash; yields what to say of them afterwards."""
    lines: list[Text] = []
    if firmware is None or not (firmware / "boot.py").exists():
        why = Text(
            "--firmware names no folder with their files, as `make demo` compiles them",
            "--firmware ne nomme aucun dossier de leurs fichiers, tel que `make demo` les compile",
        )
        lines.append(_NONE.filled(why=why))
        yield lines
        return
    try:
        host = Host(BOARDS)
    except HostError as error:
        lines.append(_NONE.filled(why=same(str(error))))
        yield lines
        return
    with host:
        guests = Guests(chain, host, _files(firmware))
        yield lines
        lines += told(guests.visits())


def _files(folder: Path) -> dict[str, bytes]:
    return {
        f"/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
