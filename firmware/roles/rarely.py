"""What a lamp works out once a day or less, each by a module of its own; all of them are loaded for the one call.

`base.ask` is the way here. What comes out is plain: numbers, bytes, lists and tuples of them; but for the eye, which
stays loaded where there is a photocell.
"""

_DAILY_CUT_S = (14400, 129600)  # a switched feeder is without power for so long every day: that is no outage

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .base import Base
    from .ledger import Ledger
    from .loading import Held
    from .photocell import Eye
    from .setpoint import Door


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
    verb: int, arguments: tuple[object, ...], doors: "list[Door]", floor_pct: int, now_s: int, longest_s: int
) -> tuple[int, int | None]:
    """See `obeying.obey`."""
    from .obeying import obey

    return obey(verb, arguments, doors, floor_pct, now_s, longest_s)


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


def eye(on_lux: int, off_lux: int, base: "Base", ledger: "Ledger") -> "Eye":
    """One that has seen nothing yet."""
    from .photocell import Eye

    return Eye(on_lux, off_lux, base, ledger)


def restored(image: bytes, heads: int) -> tuple[int | None, list[tuple[int, int, int, int]]]:
    """Undo `Light.image`: the night's beginning, and head, level_pct, fade_s and until_s of what orders hold.

    Raises ProtocolError for what cannot be read, after a change of its layout.
    """
    from protocol import cbor
    from protocol.items import array, integer, integer_or_none

    dusk, doors = array(cbor.decode(image), "image", 2)[:2]
    held = []
    for head, item in enumerate(array(doors, "held", heads)[:heads]):
        if item:
            level_pct, fade_s, until_s = [integer(number, "held") for number in array(item, "held", 3)[:3]]
            held.append((head, level_pct, fade_s, until_s))
    return integer_or_none(dusk, "dusk"), held


def outage(gps_s: int | None, now_s: int, cut_gps_s: int | None, switched: bool) -> tuple[int, ...] | None:
    """What POWER_BACK says: for how many s power was away, nothing if that is not known; None: it is no news.

    It is none where a cabinet cuts the power every day.
    """
    if gps_s is None or cut_gps_s is None:
        return None if switched else ()
    outage_s = max(0, gps_s - now_s - cut_gps_s)
    return None if switched and _DAILY_CUT_S[0] <= outage_s <= _DAILY_CUT_S[1] else (min(outage_s, 0x3FFFFFFF),)
