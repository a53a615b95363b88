"""The scenarios that come with the package, by name, and the commented one to begin with."""

from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "scenarios"
TEMPLATE = "new"


def shipped() -> dict[str, Path]:
    """Their files by name."""
    return {path.stem: path for path in sorted(_FOLDER.glob("*.toml")) if path.stem != TEMPLATE}


def scenario_path(text: str) -> Path:
    """What a command was given: the name of a shipped scenario, unless it looks like a path or there is such a file."""
    path = Path(text)
    return path if path.is_file() else shipped().get(text, path)


def template_text() -> str:
    """The commented scenario that `lampyre simulate new` writes."""
    return (_FOLDER / f"{TEMPLATE}.toml").read_text(encoding="utf-8")
