"""The body of a node: one loop that carries out what mind and MAC decide, with drivers, flash and sleep."""
