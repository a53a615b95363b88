"""CSV series of the real world, played again as what the sensors see."""
