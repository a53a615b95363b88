"""The node's hands: thin drivers, each handed its bus, its pins and a clock; none opens anything itself."""
