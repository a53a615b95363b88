"""`lampyre gateway groups`: one frame dims a street."""

from typing import Annotated

import typer

from gateway.commands.common import CONFIG, AsJson, ConfigPath, door, print_rows, sub_app

app = sub_app("Multicast groups: one frame that a whole street obeys.")
_COLUMNS = {"group": "group", "name": "name", "mc_addr": "McAddr", "count": "members"}


@app.command("list")
def list_(as_json: AsJson = False, config: ConfigPath = CONFIG) -> None:
    """List the groups, without their keys."""
    with door(config) as gateway:
        rows = gateway.ask("GET", "/v1/groups")["groups"]
    print_rows([row | {"count": len(row["members"])} for row in rows], _COLUMNS, as_json, "there are no groups")


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    members: Annotated[list[str], typer.Argument(metavar="DEV_EUI…", help="All its members, from now on.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Make a group, with a key of its own, or change who belongs to it.

    A new member obeys the group once it was given its key: `order give DEV_EUI join_group group=NUMBER`.
    """
    with door(config) as gateway:
        group = gateway.ask("POST", "/v1/groups", body={"name": name, "members": members})
    typer.echo(f"group {group['group']}, {name}, has {len(group['members'])} member(s)", err=True)
