"""Ways readings leave the gateway."""
