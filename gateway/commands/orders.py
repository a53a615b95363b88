"""`lampyre gateway order`: what somebody wants a node to do, and what became of it."""

from typing import Annotated, Any

import typer

from gateway.commands.common import CONFIG, AsJson, ConfigPath, door, fail, print_rows, sub_app

app = sub_app("Orders to nodes: give them, and see what became of them.")
_COLUMNS = {
    "id": "id",
    "target": "to",
    "order": "order",
    "state": "state",
    "detail": "detail",
    "tries": "sent",
    "source": "from",
}


@app.command()
def give(
    target: Annotated[str, typer.Argument(metavar="DEV_EUI", help="A device, or group:NUMBER.")],
    verb: Annotated[
        str,
        typer.Argument(help="set_level, resume_programme, load_programme, configure, join_group, identify, reboot."),
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE…", help="As level_pct=40 fade_s=5 hold_s=3600.")
    ] = None,
    expires_in_s: Annotated[int, typer.Option(min=1, help="After so many seconds nobody obeys it any more.")] = 3600,
    config: ConfigPath = CONFIG,
) -> None:
    """Give an order; it is sent until its receipt came or it expired. Prints its id."""
    form: dict[str, Any] = {"verb": verb, "arguments": _named(arguments or []), "expires_in_s": expires_in_s}
    if target.startswith("group:"):
        number = target.removeprefix("group:")
        if not number.isdecimal():
            fail(f"'{target}' is no group; write group:NUMBER, as `groups list` shows it", 2)
        form["group"] = int(number)
    else:
        form["dev_eui"] = target
    with door(config) as gateway:
        for order_id in gateway.ask("POST", "/v1/orders", body=form | {"source": "cli"})["ids"]:
            typer.echo(order_id)


@app.command()
def cancel(
    order_id: Annotated[int, typer.Argument(metavar="ID", help="As `order list` shows it.", min=1)],
    config: ConfigPath = CONFIG,
) -> None:
    """Send an order no more. One that was sent before may have been obeyed."""
    with door(config) as gateway:
        gateway.ask("DELETE", f"/v1/orders/{order_id}")
    typer.echo(f"order {order_id} is not sent any more", err=True)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
    config: ConfigPath = CONFIG,
) -> None:
    """List the last orders and what became of them."""
    with door(config) as gateway:
        rows = gateway.ask("GET", "/v1/orders", {"limit": limit})["orders"]
    if not as_json:
        for row in rows:
            row["target"] = row["dev_eui"] or f"group:{row['group']}"
    print_rows(rows, _COLUMNS, as_json, "no order was ever given")


def _named(arguments: list[str]) -> dict[str, str]:
    named = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or not name:
            fail(f"'{argument}' is no argument; write NAME=VALUE, as level_pct=40", 2)
        named[name] = value
    return named
