"""What the boot loader answers: a core that takes bytes and gives bytes."""


class Loader:
    """One chip in its boot loader. flash: its content, which outlives the loader. started: whether it was told to run.

    chip: "ESP32" or "ESP32-S3". received: bytes that came.
    """

    def __init__(self, chip: str, flash: bytearray, mac: bytes) -> None:
        self.flash = flash
        self.received = 0
        self.started = False

    def feed(self, data: bytes) -> bytes:
        """Take what came along the cable; returns what goes back."""
        raise NotImplementedError
