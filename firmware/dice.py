"""Random numbers of a node: small integers, the same on both Pythons, different for every DevEUI."""


class Dice:
    """A 16-bit xorshift beside a Weyl sequence whose step is the node's own: two nodes never fall into step for good.

    seed: the DevEUI and what differs from boot to boot. Good for jitter and channels, not for keys. `state` is all
    of it, three numbers of 16 bits.
    """

    def __init__(self, seed: bytes) -> None:
        x = 0x9E37
        w = 0
        for byte in seed:
            x = (x * 31 + byte) & 0xFFFF
            w = (w * 251 + byte) & 0xFFFF
        self.state = (x or 1, w, w << 1 & 0xFFFF | 1)

    def below(self, limit: int) -> int:
        """A number 0..limit-1; *limit* up to 2^14."""
        x, w, step = self.state
        x ^= x << 7 & 0xFFFF  # Marsaglia's triple 7, 9, 8: every x but 0 once in 65,535 steps
        x ^= x >> 9
        x ^= x << 8 & 0xFFFF
        w = (w + step) & 0xFFFF
        self.state = (x, w, step)
        return (x + w & 0xFFFF) * limit >> 16

    def between_ms(self, least_s: int, most_s: int) -> int:
        """A delay of *least_s* to *most_s* seconds, in ms."""
        return (least_s + self.below(most_s - least_s)) * 1000 + self.below(1000)
