"""What a person sees of the energy ledger: a table for a role, by interval and data rate, and what it rests on."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from protocol.region import CHANNEL_MAX_DR, data_rate
from simulator.energy.endurance import CHANGES_A_DAY, WATCHES, air, panel, watched
from simulator.energy.ledger import Board, Cell

_DATA_RATES = range(CHANNEL_MAX_DR + 1)
_HEARTBEATS_S = (900, 1800, 3600)
_INTERVALS_S = (600, 900, 1800, 3600)


def parking_table(board: Board, cell: Cell) -> RenderableType:
    """Years on *cell*; of the two ways to watch the magnetometer the better one stands out."""
    table = _table(f"Parking on {board.name}, {cell.capacity_mah / 1000:g} Ah {cell.name}: years", "Heartbeat", "Watch")
    for heartbeat_s in _HEARTBEATS_S:
        duties = [[watched(board, dr, heartbeat_s, watch) for dr in _DATA_RATES] for watch in WATCHES]
        best = [min(ways, key=lambda duty: duty.mean_ua) for ways in zip(*duties, strict=True)]
        for watch, row in zip(WATCHES, duties, strict=True):
            cells = [
                Text(f"{cell.years(duty.mean_ua):.1f}", style="bold green" if duty is best[dr] else "")
                for dr, duty in enumerate(row)
            ]
            table.add_row(f"{heartbeat_s} s", watch.name, *cells)
    sleeps = "; ".join(
        f"{watch.name}: {watch.sensors.name}, wakes every {watch.sleep_us / 1e6:.3g} s, "
        f"{'deep' if watch.sleep_us > board.break_even_us else 'light'} sleep"
        for watch in WATCHES
    )
    return Group(
        table,
        f"{CHANGES_A_DAY} changes a day, each told three times. {sleeps}.",
        f"A sleep is deep if it is longer than {board.break_even_us / 1e6:.0f} s, what a boot costs.",
    )


def air_table(board: Board) -> RenderableType:
    """The average current in mA; what it means for the supply is said below."""
    table = _table(f"Air on {board.name}: mA at 5 V", "Interval")
    means = {interval_s: [air(board, dr, interval_s).mean_ua for dr in _DATA_RATES] for interval_s in _INTERVALS_S}
    for interval_s, row in means.items():
        table.add_row(f"{interval_s} s", *(f"{mean_ua / 1000:.1f}" for mean_ua in row))
    least, most = panel(min(min(row) for row in means.values())), panel(max(max(row) for row in means.values()))
    return Group(
        table,
        f"Mains, or solar: a panel of {least.watts:g} to {most.watts:g} W and a battery of {least.battery_wh:g} to "
        f"{most.battery_wh:g} Wh, for December in northern France.",
    )


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    for dr in _DATA_RATES:
        table.add_column(f"DR{dr}\nSF{data_rate(dr)[0]}", justify="right")
    return table
