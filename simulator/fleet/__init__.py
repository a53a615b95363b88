"""Nodes of all roles on real minds and MACs, with bodies of this simulator, in virtual time."""
