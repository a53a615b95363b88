"""The Pi in the cabinet: links, network server, readings, store, publishing and lighting."""
