"""What a run is: the scenario file, its reading and checking, and the streets and nodes that come of it."""
