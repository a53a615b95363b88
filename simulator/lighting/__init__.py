"""Lighting programmes compared over a year, on one street, with the same people and the same weather."""
