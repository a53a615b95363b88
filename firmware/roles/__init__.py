"""What a node of each kind does with its sensors and lamps."""
