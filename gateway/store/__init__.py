"""What the gateway keeps: one SQLite file, one writing module per table."""
