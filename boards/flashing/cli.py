"""`lampyre flash`: from a box of blank boards to commissioned nodes."""

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from boards.causes import BoardError, Cause
from boards.flashing.plan import Spot, Wish, read_settings, setting_of
from boards.messages import language_of, sentence, told
from boards.spoken import Command

if TYPE_CHECKING:  # imported where they are used: `--help` must not wait for them
    from boards.flashing.commissioning import Done, Order
    from boards.node.ports import Port

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

WHAT = "What it shall be"
WHERE = "Where it hangs"
REGISTER = "Where it is registered"
HOW = "How"


@app.command(cls=Command)
def flash(
    port: Annotated[
        str, typer.Option(help="Port, place on the hub (1-2.4) or USB serial number.", show_default=False)
    ] = "",
    all_: Annotated[bool, typer.Option("--all", help="Every board that is plugged in, all at once.")] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="Show the ports and what is likely there; change nothing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what was begun: the record says as what.")
    ] = False,
    board: Annotated[str, typer.Option(help="Which board, such as heltec-v3.", rich_help_panel=WHAT)] = "",
    role: Annotated[str, typer.Option(help="parking, air, light or bridge.", rich_help_panel=WHAT)] = "",
    option: Annotated[
        list[str] | None, typer.Option(help="A part the board's file offers.", rich_help_panel=WHAT)
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="TOML file of settings by name.", rich_help_panel=WHAT)] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="One setting, such as reading_interval_s=600.", rich_help_panel=WHAT),
    ] = None,
    name: Annotated[str, typer.Option(help="What people call it, such as air-001.", rich_help_panel=WHAT)] = "",
    join_eui: Annotated[str, typer.Option(help="16 hex digits.", rich_help_panel=WHAT)] = "0000000000000000",
    chip_eui: Annotated[
        bool, typer.Option("--chip-eui", help="DevEUI of the chip's address, not a random one.", rich_help_panel=WHAT)
    ] = False,
    place: Annotated[str, typer.Option(help="As 92002-bay-a12.", rich_help_panel=WHERE)] = "",
    instance: Annotated[int, typer.Option(min=0, max=1, help="1 for a second bay or head.", rich_help_panel=WHERE)] = 0,
    zone: Annotated[str, typer.Option(help="The place's zone.", rich_help_panel=WHERE)] = "",
    latitude: Annotated[
        float | None, typer.Option(min=-66, max=66, help="Degrees north; lamps need it.", rich_help_panel=WHERE)
    ] = None,
    longitude: Annotated[
        float | None, typer.Option(min=-180, max=180, help="Degrees east.", rich_help_panel=WHERE)
    ] = None,
    time_zone: Annotated[str, typer.Option(help="Of lamps.", rich_help_panel=WHERE)] = "Europe/Paris",
    holidays: Annotated[str, typer.Option(help="Of lamps: FR, FR-57, … or nothing.", rich_help_panel=WHERE)] = "FR",
    registry: Annotated[
        Path | None,
        typer.Option(
            help="File for `gateway devices import`, .csv or .json; devices.csv by default.", rich_help_panel=REGISTER
        ),
    ] = None,
    gateway: Annotated[
        str, typer.Option(help="A running gateway: its socket's path, or https://HOST.", rich_help_panel=REGISTER)
    ] = "",
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with what `gateway api open` printed, for https.", rich_help_panel=REGISTER),
    ] = None,
    keys_from: Annotated[
        Path | None,
        typer.Option(help="Devices with keys, as a registry: each board gets the next.", rich_help_panel=REGISTER),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Folder for the labels' pictures; `labels` by default.", rich_help_panel=REGISTER),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(help="CSV of what was commissioned; commissioned.csv by default.", rich_help_panel=REGISTER),
    ] = None,
    image: Annotated[
        Path | None, typer.Option(help="MicroPython image; fetched by default.", rich_help_panel=HOW)
    ] = None,
    erase: Annotated[
        bool, typer.Option("--erase", help="Empty the flash first: a new identity.", rich_help_panel=HOW)
    ] = False,
    language: Annotated[str, typer.Option(help="en or fr; by default the computer's.", rich_help_panel=HOW)] = "",
) -> None:
    """Turn a blank board into a commissioned node: MicroPython, firmware, keys, self-test, registration, label.

    lampyre flash --board heltec-v3 --role air --name air-001 --place 92002-station-1

    Whatever stops it, running the same command again finishes it. Keys are in the registry (or the gateway) and on the
    node, and are never shown.
    """
    language = language_of(language)
    try:
        if list_:
            _show_ports(language)
            return
        if all_ and (name or place or port):
            raise BoardError(
                Cause.SETTING_WRONG, detail="--name, --place and --port are one board's; with --all use --keys-from"
            )
        wish = None
        if not resume or board or role:
            spot = Spot(place=place, instance=instance, zone=zone, latitude_deg=latitude, longitude_deg=longitude)
            chosen = (read_settings(settings) if settings else {}) | dict(map(setting_of, set_ or []))
            wish = Wish(
                board=board,
                role=role,
                options=tuple(option or ()),
                settings=chosen,
                join_eui=_eui(join_eui),
                chip_eui=chip_eui,
                name=name,
                spot=spot,
                time_zone=time_zone,
                holidays=holidays,
            )
        ports = _ports(port, all_)
        if wish is not None:
            wish = _complete(wish, ports)
        order = _order(wish, registry, gateway, token_file, keys_from, labels, log, image, erase)
        if dry_run:
            _show_plans(order, ports, language)
        else:
            _flash(order, ports, language)
    except BoardError as error:
        fail_with(error, language)


def home() -> Path:
    """The folder in which records, images and compiled code are kept."""
    return Path(os.environ.get("LAMPYRE_HOME") or typer.get_app_dir("lampyre"))


def fail_with(error: BoardError, language: str) -> NoReturn:
    """Say what happened and what to do, and end."""
    typer.echo(sentence(error, language), err=True)
    wrong_usage = (Cause.SEVERAL_PORTS, Cause.BOARD_NEEDED, Cause.ROLE_NEEDED, Cause.SETTING_WRONG, Cause.SITE_NEEDED)
    raise typer.Exit(2 if error.cause in wrong_usage else 1)


def _ports(asked: str, all_: bool) -> "list[Port]":
    from boards.node import ports

    found = ports.find()
    if not all_:
        return [ports.choose(found, asked)]
    if not found:
        raise BoardError(Cause.NO_PORTS)
    return found


def _complete(wish: Wish, ports: "list[Port]") -> Wish:
    """The board by its USB numbers, if they leave no doubt. Raises BoardError."""
    from dataclasses import replace

    from boards.catalogue.known import likely, load, names
    from boards.catalogue.options import agreed

    if not wish.board:
        candidates = {board.id for port in ports for board in likely(port.vid, port.pid)}
        if len(candidates) != 1:
            said = ", ".join(sorted(candidates) or names())
            raise BoardError(Cause.BOARD_NEEDED, port=ports[0].path, likely=said)
        wish = replace(wish, board=candidates.pop())
    wish.check()
    try:
        options, chosen = agreed(load(wish.board), wish.role, wish.options, wish.settings)
    except ValueError as error:
        raise BoardError(Cause.SETTING_WRONG, detail=str(error)) from None
    wish = replace(wish, options=options, settings=chosen)
    wish.check()
    return wish


def _order(
    wish: Wish | None,
    registry: Path | None,
    gateway: str,
    token_file: Path | None,
    keys_from: Path | None,
    labels: Path | None,
    log: Path | None,
    image: Path | None,
    erase: bool,
) -> "Order":
    from boards.enrolment.gateway import Gateway, read_token_file
    from boards.enrolment.registry import Registry
    from boards.flashing.commissioning import Order
    from boards.flashing.image import read_image
    from boards.flashing.record import Records

    if registry is not None and gateway:
        raise BoardError(
            Cause.SETTING_WRONG, detail="--registry and --gateway: a node is registered in one place, write one"
        )
    if keys_from is not None and not keys_from.is_file():  # a registry need not be there yet, a list must
        raise BoardError(Cause.FILE_WRONG, path=keys_from, detail=os.strerror(errno.ENOENT))
    token = sha256 = ""
    if token_file is not None:
        try:
            token, sha256 = read_token_file(token_file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            detail = getattr(error, "strerror", None) or "is no text"
            raise BoardError(Cause.FILE_WRONG, path=token_file, detail=detail) from error
        except ValueError as error:
            raise BoardError(Cause.FILE_WRONG, path=token_file, detail=str(error)) from error
    place = home()
    return Order(
        wish=wish,
        records=Records(place / "boards"),
        labels=labels or Path("labels"),
        journal=log or Path("commissioned.csv"),
        registry=None if gateway else Registry(registry or Path("devices.csv")),
        gateway=Gateway(gateway, token, sha256) if gateway else None,
        keys_from=keys_from,
        image=read_image(image) if image else None,
        erase=erase,
    )


def _flash(order: "Order", ports: "list[Port]", language: str) -> None:
    from rich.console import Console

    from boards.firmware.bundle import bundle
    from boards.flashing.commissioning import Flashing
    from boards.flashing.hub import Screens, each
    from boards.flashing.loading import RealLoader

    screen = Console(stderr=True)
    code = bundle(home() / "cache")
    loader = RealLoader(home() / "images")
    with Screens(screen, language) as screens:
        lines = {port.path: screens.line(port.path) for port in ports}

        def one(path: str) -> "Done":
            try:
                done = Flashing(path, order, code, loader, lines[path]).run()
            except BoardError:
                lines[path].ends(told("stopped", language), False)
                raise
            lines[path].ends(done.dev_eui.hex(), True)
            return done

        results = each([port.path for port in ports], one)
    failed = 0
    for port, result in zip(ports, results, strict=True):
        show_tests(lines[port.path].tests, language)
        for note in lines[port.path].said:
            typer.echo(told(note, language), err=True)
        if isinstance(result, BoardError):
            failed += 1
            typer.echo(
                f"{port.path}: {sentence(result, language)}" if len(ports) > 1 else sentence(result, language), err=True
            )
        else:
            _show_done(result, "" if len(ports) == 1 else f"{port.path}  ", language)
    if failed:
        raise typer.Exit(1)


def _show_done(done: "Done", port: str, language: str) -> None:
    """A line for each node; of one board that was flashed alone the label as well."""
    from boards.enrolment.label import grouped, in_terminal

    if not port and sys.stdout.isatty():
        typer.echo(in_terminal(done.dev_eui, done.join_eui, done.name))
    where = done.registered or told("the record", language)
    rest = told(f"label {done.picture}  keys in {where}", language)
    typer.echo(f"{port}{grouped(done.dev_eui)}  {done.name or done.mac}  {rest}")


def show_tests(found: list[tuple[str, str]], language: str) -> None:
    """The self-test as a table."""
    if not found:
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(told("part", language), told("self-test", language), box=None, pad_edge=False, header_style="bold")
    for name, said in found:
        table.add_row(told(name, language), told(said, language))
    Console(stderr=True, markup=False, highlight=False, emoji=False).print(table)


def _show_plans(order: "Order", ports: "list[Port]", language: str) -> None:
    from boards.firmware.bundle import bundle
    from boards.flashing.commissioning import Flashing
    from boards.flashing.loading import RealLoader

    code, loader = bundle(home() / "cache"), RealLoader(home() / "images")
    for port in ports:
        typer.echo(port.path)
        for errand in Flashing(port.path, order, code, loader, _Silent()).dry_run():
            due = told("yes" if errand.due else "no", language)
            typer.echo(f"  {told(errand.step.value, language):<9} {due:<3}  {told(errand.why, language)}")


def _show_ports(language: str) -> None:
    from boards.catalogue.known import likely
    from boards.node import ports

    found = ports.find()
    if not found:
        raise BoardError(Cause.NO_PORTS)
    alike = ports.shared_serial_numbers(found)
    for port in found:
        shared = told("not its alone", language)
        number = port.serial_number + (f" ({shared})" if port.serial_number in alike else "")
        boards = ", ".join(board.id for board in likely(port.vid, port.pid)) or told("no board we know", language)
        typer.echo(f"{port.path}  {port.location or '–'}  {port.what or '–'}  {number or '–'}  {boards}")


def _eui(text: str) -> str:
    from protocol.errors import FrameError
    from protocol.lorawan.eui import eui_from_text, eui_to_text

    try:
        return eui_to_text(eui_from_text(text, "JoinEUI"))
    except FrameError as error:
        raise BoardError(Cause.SETTING_WRONG, detail=str(error)) from error


class _Silent:
    """`flashing.Watcher` that shows nothing."""

    def begins(self, errand: object) -> None:
        """Nothing."""

    def passes(self, done: int, total: int) -> None:
        """Nothing."""

    def tested(self, found: object) -> None:
        """Nothing."""

    def notes(self, text: str) -> None:
        """Nothing."""
