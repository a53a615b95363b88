"""Places of the town, and which device is installed at which of them."""
