"""Virtual nodes before a gateway that runs: a process of its own, real sockets, real time."""
