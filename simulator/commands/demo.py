"""`lampyre demo`: a district through a day, live, and a page to read afterwards."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from simulator.commands.options import Language
from simulator.commands.outputs import Outputs
from simulator.commands.running import Order, command, leave, run, spoken
from simulator.report.saying import Text
from simulator.scenario.reading import load_scenario
from simulator.scenario.shipped import scenario_path

app = typer.Typer(
    help="A district through a day, live.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
_SCENARIO = "demo"
_LASTS_S = 20.0  # a day that one can follow
_NEXT = Text(
    "What to try next:\n"
    "  lampyre demo --lang fr                  the same in French\n"
    "  lampyre demo --seed 2                   another day\n"
    "  lampyre demo --live                     in real time, before a gateway process\n"
    "  lampyre simulate new street.toml        a street of your own, every key explained\n"
    "  lampyre simulate run attacker           somebody who replays and forges",
    "Et maintenant\u00a0:\n"
    "  lampyre demo --lang en                  la même en anglais\n"
    "  lampyre demo --seed 2                   un autre jour\n"
    "  lampyre demo --live                     en temps réel, devant une passerelle en marche\n"
    "  lampyre simulate new rue.toml           une rue à vous, chaque clé expliquée\n"
    "  lampyre simulate run attacker           quelqu’un qui rejoue et falsifie",
)


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="The same seed gives the same day.", min=0)] = 1,
    lasts: Annotated[
        float | None,
        typer.Option(help=f"Real seconds to spread it over; else {_LASTS_S:g} on a terminal.", min=0, max=3600),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report here, as JSON.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write truths and expectations here, as JUnit XML.")] = None,
    html: Annotated[Path, typer.Option(help="Write the page to read here.")] = Path("lampyre-demo.html"),
    firmware: Annotated[
        Path | None, typer.Option(help="Files of a board's flash: one board of each role runs them, beside the nodes.")
    ] = None,
    lang: Annotated[Language | None, typer.Option(help="Of picture, summary and page.")] = None,
    live: Annotated[
        bool, typer.Option("--live", help="In real time, against a gateway process, until Ctrl-C or 24 hours.")
    ] = False,
) -> None:
    """Run a district of some 200 nodes through a day with losses and a broker outage."""
    language = lang.value if lang else spoken()
    outputs = Outputs(json=json, junit=junit, html=html)
    outputs.check()
    scenario = load_scenario(scenario_path(_SCENARIO), seed=seed)
    if live:
        from simulator.commands.living import run_live

        run_live(scenario, outputs, language)
        return
    boards = () if firmware is None else ("--firmware", str(firmware))
    replay = command("lampyre", "demo", "--seed", str(seed), *boards)
    console = Console()
    if lasts is None:
        lasts = _LASTS_S if console.is_terminal else 0.0
    report = run(
        Order(
            scenario=scenario,
            replay=replay,
            outputs=outputs,
            language=language,
            lasts_s=lasts,
            boards=True,
            firmware=firmware,
        )
    )
    console.print(f"\n{_NEXT.to(language)}", highlight=False, soft_wrap=True)
    page_is = Text("\nThe page about this day: {path}", "\nLa page de ce jour\u00a0: {path}")
    typer.echo(page_is.filled(path=str(html.absolute())).to(language))
    leave(report)
