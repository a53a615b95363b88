"""What can be wrong with the file, told apart, each with a sentence for the operator."""

from enum import Enum

import apsw


class FaultKind(Enum):
    """What is wrong; each asks for something else."""

    FULL = "full"  # retention makes room
    IO = "io"  # the file is closed and opened again
    READ_ONLY = "read_only"  # Linux remounts a failing card like this
    CORRUPT = "corrupt"  # the process ends; the next start sets the file aside and salvages it
    NOT_A_DATABASE = "not_a_database"  # the same
    IN_USE = "in_use"  # another process has it
    NEWER = "newer"  # a newer program wrote it
    OTHER = "other"  # a mistake of ours


class StoreError(Exception):
    """The store cannot do what it was asked; the text says where, why, and what to do."""

    def __init__(self, kind: FaultKind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


_SENTENCES = {
    FaultKind.FULL: "the disk or the share of it that Lampyre may use is full; old readings are deleted as [store]"
    " says, or make room on the card",
    FaultKind.IO: "the card did not read or write; look at `dmesg` for errors of mmc or usb and replace it if any",
    FaultKind.READ_ONLY: "it cannot be written; was the card remounted read-only after an error (`dmesg`), or does the"
    " file belong to another user?",
    FaultKind.CORRUPT: "its content is damaged; at the next start it is set aside and what can be read is saved",
    FaultKind.NOT_A_DATABASE: "it is not an SQLite database any more; at the next start it is set aside and the gateway"
    " goes on from its registry snapshot",
    FaultKind.IN_USE: "another program has it locked; stop that program",
    FaultKind.OTHER: "SQLite refused a statement",
}
_KINDS: dict[type[apsw.Error], FaultKind] = {
    apsw.FullError: FaultKind.FULL,
    apsw.IOError: FaultKind.IO,
    apsw.CantOpenError: FaultKind.IO,
    apsw.ReadOnlyError: FaultKind.READ_ONLY,
    apsw.PermissionsError: FaultKind.READ_ONLY,
    apsw.CorruptError: FaultKind.CORRUPT,
    apsw.NotADBError: FaultKind.NOT_A_DATABASE,
    apsw.BusyError: FaultKind.IN_USE,
    apsw.LockedError: FaultKind.IN_USE,
}
# A fault of the file and not of the statement: SQLite may have rolled the transaction back by itself.
DISK_KINDS = frozenset(
    {FaultKind.FULL, FaultKind.IO, FaultKind.READ_ONLY, FaultKind.CORRUPT, FaultKind.NOT_A_DATABASE, FaultKind.IN_USE}
)

# The process must end, whoever met it: only a start looks through the whole file, sets it aside and saves what is left.
DAMAGE_KINDS = frozenset({FaultKind.CORRUPT, FaultKind.NOT_A_DATABASE})


def kind_of(error: apsw.Error) -> FaultKind:
    """Which kind of fault SQLite's *error* is."""
    return _KINDS.get(type(error), FaultKind.OTHER)


def is_of_the_disk(error: Exception) -> bool:
    """Whether *error* speaks of the file or of what is in it, and not of what was to be done with it."""
    if isinstance(error, StoreError):
        return error.kind is not FaultKind.OTHER
    return isinstance(error, apsw.Error) and kind_of(error) in DISK_KINDS


def explain(error: apsw.Error, where: str) -> StoreError:
    """SQLite's *error* about the file *where*, as a sentence; SQLite's own words stand in brackets."""
    kind = kind_of(error)
    return StoreError(kind, f"{where}: {_SENTENCES[kind]} [{type(error).__name__}: {error}]")
