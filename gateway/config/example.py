"""The commented example that `lampyre gateway init` writes."""

import importlib.resources


def example_text() -> str:
    """The text of `example.toml`."""
    return (importlib.resources.files("gateway.config") / "example.toml").read_text(encoding="utf-8")
