"""The NVS partition of a board: what was committed survives everything, the rest nothing."""


class Nvs:
    """kept: what is committed, by namespace and key: its type ("i32" or "blob") and its bytes.

    touched: whether somebody else than the firmware wrote.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.touched = False
        self._pending: dict[tuple[str, str], tuple[str, bytes] | None] = {}

    def write(self, space: str, key: str, value: int | bytes) -> None:
        """Put a value there, as the flashing tool would."""
        kind = ("i32", value.to_bytes(4, "little", signed=True)) if isinstance(value, int) else ("blob", value)
        self.kept[space, key] = kind
        self.touched = True

    def read(self, space: str, key: str) -> int | bytes | None:
        """A value that is committed; None if there is none."""
        kind, data = self.kept.get((space, key), ("", b""))
        return int.from_bytes(data, "little", signed=True) if kind == "i32" else data if kind else None

    def get(self, space: str, key: str, kind: str) -> bytes | None:
        """A value, also one that is not committed yet; None if there is none of this type."""
        value = self._now(space, key)
        return value[1] if value is not None and value[0] == kind else None

    def seen(self) -> "list[tuple[str, str, str, bytes]]":
        """All that the firmware finds: namespace, key, type and bytes; also what is not committed yet."""
        values = self.kept | self._pending
        return [(*where, *value) for where, value in values.items() if value is not None]

    def set(self, space: str, key: str, kind: str, data: bytes) -> None:
        """Set a value, until the next reset."""
        self._pending[space, key] = kind, data

    def erase(self, space: str, key: str) -> bool:
        """Erase a value; whether there was one."""
        found = self._now(space, key) is not None
        self._pending[space, key] = None
        return found

    def changes(self) -> bool:
        """Whether a commit would change anything."""
        return any(self.kept.get(where) != value for where, value in self._pending.items())

    def commit(self) -> None:
        """Write what is pending, of all namespaces: the port has one handle for each, which makes no difference."""
        for where, value in self._pending.items():
            if value is None:
                self.kept.pop(where, None)
            else:
                self.kept[where] = value
        self._pending.clear()

    def lose(self) -> None:
        """A reset."""
        self._pending.clear()

    def _now(self, space: str, key: str) -> tuple[str, bytes] | None:
        return self._pending.get((space, key), self.kept.get((space, key)))
