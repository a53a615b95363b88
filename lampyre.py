"""The front door: one command, `lampyre`, that mounts each package's own command line when it is asked for."""


def main() -> None:
    """Run the command line."""
