"""What a lamp works out once a day or less, each by a module of its own; all of them are loaded for the one call.

`light.ask` is the way here. What goes in and comes out is plain: numbers, bytes, lists and tuples of them; but for the
photocell, which stays loaded where there is one.
"""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .loading import Held
    from .photocell import Photocell


def readable(programme: bytes, site: bytes) -> tuple[bytes, bytes]:
    """Both, b"" in place of one that cannot be read."""
    from .loading import is_programme
    from .outlook import is_site

    return programme if is_programme(programme) else b"", site if is_site(site) else b""


def load(
    running: bytes, held: "Held", version: int, part: int, parts: int, data: bytes
) -> "tuple[int, int, bytes, Held]":
    """See `loading.take_part`."""
    from .loading import take_part

    return take_part(running, held, version, part, parts, data)


def obey(
    verb: int, arguments: tuple[object, ...], heads: int, floor_pct: int
) -> tuple[int, int | None, list[int], tuple[int, int, int] | None]:
    """See `obeying.wanted`."""
    from .obeying import wanted

    return wanted(verb, arguments, heads, floor_pct)


def look_ahead(programme: bytes, site: bytes, gps_s: int) -> tuple[list[tuple[int, int, int]], tuple[int, ...], int]:
    """See `outlook.outlook`."""
    from .outlook import outlook

    return outlook(programme, site, gps_s)


def virtual_levels(programme: bytes, site: bytes, lengths_min: list[int]) -> bytes:
    """See `night.virtual_levels`."""
    from .night import virtual_levels

    return virtual_levels(programme, site, lengths_min)


def learned(lengths_min: list[int], before_min: int | None, run_min: int) -> tuple[list[int], int | None, int | None]:
    """lengths_min, before_min and length_min of `night.Nights`, after a power-up after a run of *run_min*, or -1."""
    from .night import Nights

    nights = Nights(lengths_min, before_min)
    if run_min >= 0:
        nights.power_up(run_min)
    return nights.lengths_min, nights.before_min, nights.length_min()


def learn(lengths_min: list[int], length_min: int) -> list[int]:
    """The lengths of the last nights, with another."""
    from .night import Nights

    nights = Nights(lengths_min)
    nights.add(length_min)
    return nights.lengths_min


def ranges(set_number: int) -> tuple[tuple[int, int], ...]:
    """See `quantity_table.ranges_of`."""
    from protocol.quantity_table import ranges_of

    return ranges_of(set_number)


def photocell(on_lux: int, off_lux: int) -> "Photocell":
    """One that has seen nothing yet."""
    from .photocell import Photocell

    return Photocell(on_lux, off_lux)
