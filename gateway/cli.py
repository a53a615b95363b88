"""`lampyre gateway`: what an operator asks of a gateway's database."""

import sys
from pathlib import Path
from typing import Annotated

import apsw
import typer

from gateway.publish.lines import publish_lines
from gateway.store.database import read_database
from gateway.store.records import RecordStore

app = typer.Typer(
    help="What the Pi in the cabinet does.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


@app.callback()
def _group() -> None:
    pass


@app.command()
def readings(
    database: Annotated[Path, typer.Option(help="The gateway's SQLite file.", exists=True, dir_okay=False)],
    after: Annotated[int, typer.Option(help="Leave out this many of the oldest records.", min=0)] = 0,
) -> None:
    """Print the readings that were accepted as JSON lines, oldest first."""
    try:
        publish_lines(RecordStore(read_database(database)), sys.stdout, after)
    except (apsw.NotADBError, apsw.SQLError):
        typer.echo(f"{database} is not a gateway's database", err=True)
        raise typer.Exit(1) from None
    except apsw.Error as error:
        typer.echo(f"{database}: {error}; a database that is in use or in WAL mode needs a writable folder", err=True)
        raise typer.Exit(1) from None
    except BrokenPipeError:  # the reader, such as `head`, has enough
        sys.stdout = None
    except OSError as error:
        typer.echo(f"cannot write the readings: {error}", err=True)
        raise typer.Exit(1) from None
