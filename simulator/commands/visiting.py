"""The virtual boards beside a run's nodes: there when the computer has what they need, else a sentence says why not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from simulator.board.process import Host, HostError
from simulator.chain.chain import Chain
from simulator.chain.guests import BOARDS, Guests
from simulator.report.boards import Visit, told
from simulator.report.saying import Text, same

_NONE = Text(
    "no virtual boards beside them: {why}",
    "pas de cartes virtuelles à côté d’eux\u00a0: {why}",
)


@dataclass
class Stay:
    """visits: what each board did, once the run is over. why: there were none, None if there were."""

    visits: list[Visit] = field(default_factory=list)
    why: Text | None = None

    @property
    def lines(self) -> list[Text]:
        """What to say of it."""
        if self.why is not None:
            return [_NONE.filled(why=self.why)]
        return told(self.visits) if self.visits else []


@contextmanager
def visited(chain: Chain, firmware: Path | None) -> Iterator[Stay]:
    """Boards with the files in *firmware*, path by path as on their flash; what they did is there afterwards."""
    if firmware is None or not (firmware / "boot.py").exists():
        yield Stay(
            why=Text(
                "--firmware names no folder with their files, as `make demo` compiles them",
                "--firmware ne nomme aucun dossier de leurs fichiers, tel que `make demo` les compile",
            )
        )
        return
    try:
        host = Host(BOARDS, heap=True)
    except HostError as error:
        yield Stay(why=same(str(error)))
        return
    with host:
        guests, stay = Guests(chain, host, _files(firmware)), Stay()
        yield stay
        stay.visits += guests.visits()


def _files(folder: Path) -> dict[str, bytes]:
    return {
        f"/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
