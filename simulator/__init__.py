"""The street on a laptop: the air, the chips, the people and the weather."""
