"""One TOML file per supported board, and the tool that turns a blank board into a commissioned node."""
