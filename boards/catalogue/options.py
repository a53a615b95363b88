"""Options of a board's file and settings of a node that belong together: whoever names one gets the other."""

from collections.abc import Mapping

from boards.catalogue.board import Board


def unknown(board: Board, role: str, options: tuple[str, ...]) -> str:
    """A sentence about the first option that the board does not offer for the role; "" if it has them all."""
    offered = board.options_for(role)
    for name in options:
        if name not in offered:
            return f"--option is {name!r}; for {role}, {board.id} offers {', '.join(offered) or 'none'}"
    return ""


def agreed(
    board: Board, role: str, options: tuple[str, ...], settings: Mapping[str, object]
) -> tuple[tuple[str, ...], dict[str, object]]:
    """The options with those that the settings ask for, and the settings with those of the options.

    So `detector = "distance"` wires the sensor, and the option called so tells the node to use it. Raises ValueError
    with a sentence when an option is unknown, or when both were said and do not agree.
    """
    wrong = unknown(board, role, options)
    if wrong:
        raise ValueError(wrong)
    chosen, found = list(options), dict(settings)
    for name in board.options_for(role):
        wanted = board.options[name].settings
        if name not in options and wanted and all(settings.get(key) == value for key, value in wanted.items()):
            chosen.append(name)
    for name in chosen:
        for key, value in board.options[name].settings.items():
            if found.setdefault(key, value) != value:
                raise ValueError(f"--option {name} means {key} = {value}, and {key} is {found[key]}; leave one out")
    return tuple(chosen), found
