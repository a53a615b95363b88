"""The files that a run writes, checked before it begins."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TextIO

import typer

from simulator.report.boards import Visit, section
from simulator.report.junit import junit_xml
from simulator.report.page import page
from simulator.report.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Each a file or None. readings: published messages as JSON lines. database: the gateway's, which is kept."""

    json: Path | None = None
    junit: Path | None = None
    html: Path | None = None
    readings: Path | None = None
    database: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """All that there are."""
        return [path for field in fields(self) if (path := getattr(self, field.name)) is not None]

    def check(self) -> None:
        """Raise typer.BadParameter for what could not be written at the end, while nothing is lost yet."""
        names = {field.name: path for field in fields(self) if (path := getattr(self, field.name)) is not None}
        if len({path.absolute() for path in names.values()}) < len(names):
            raise typer.BadParameter(f"{' and '.join(f'--{name}' for name in names)} need files of their own")
        if self.database and self.database.exists():
            raise typer.BadParameter(f"{self.database} exists; name a file that does not", param_hint="--database")
        for name, path in names.items():
            if not path.parent.is_dir():
                raise typer.BadParameter(f"there is no folder {path.parent} for {path.name}", param_hint=f"--{name}")
            if path.is_dir():
                raise typer.BadParameter(f"{path} is a folder; name a file", param_hint=f"--{name}")

    @contextmanager
    def lines(self) -> Iterator[TextIO]:
        """Where published messages go. Raises OSError."""
        with (self.readings or Path(os.devnull)).open("w", encoding="utf-8") as lines:
            yield lines

    def write(self, report: Report, took_s: float, language: str, visits: Sequence[Visit] = ()) -> None:
        """Write what is wanted of the report; JSON and page also tell of virtual boards' visits. Raises OSError.

        The digest covers the report alone: what a board's wake took depends on the computer.
        """
        if self.junit:
            self.junit.write_text(junit_xml(report, took_s), encoding="utf-8")
        if self.html:
            self.html.write_text(page(report, language, [section(visits, report)]), encoding="utf-8")
        if self.json:  # the last: whoever finds it may take the others for written
            told = report.to_json() | {"boards": [visit.to_json() for visit in visits]}
            self.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
