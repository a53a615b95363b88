"""Ways frames reach the gateway."""
