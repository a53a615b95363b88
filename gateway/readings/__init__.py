"""From a payload to readings the city can rely on."""
