"""Small CSV files of our own making, as the tests of replay need them."""

from pathlib import Path

from simulator.scenario.model import Column, Replay

START_S = 1_772_434_800  # 2026-03-02T07:00:00Z, a Monday

AIR = """time;station;PM 2,5;temperature °C;comment
2004-03-08 08:00;north;12,5;7,9;"first; of all"
2004-03-08 08:00;south;8,0;8,1;
2004-03-08 09:00;north;15,25;8,4;
2004-03-08 09:00;south;;8,8;pump off
2004-03-08 10:00;north;-999;9,3;
2004-03-08 10:00;south;9,5;9,5;
"""


def write(folder: Path, text: str, name: str = "series.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def air(folder: Path, text: str = AIR, **changed) -> Replay:
    """The file above, read as a French one of a German logger, whatever is *changed*."""
    given = {
        "file": write(folder, text),
        "time_column": "time",
        "time_format": "%Y-%m-%d %H:%M",
        "time_zone": "Europe/Paris",
        "delimiter": ";",
        "decimal": ",",
        "place_column": "station",
        "columns": (
            Column(quantity="pm2_5", column="PM 2,5"),
            Column(quantity="temperature", column="temperature °C"),
        ),
        "missing": ("-999",),
        "max_gap_s": 5400,
        **changed,
    }
    return Replay(**given)
