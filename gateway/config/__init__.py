"""`gateway.toml`: what the operator decides, checked once, as frozen values with safe defaults."""
