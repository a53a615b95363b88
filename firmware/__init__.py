"""The node: a mind and a MAC that only decide, drivers handed their bus, and one thin loop."""
