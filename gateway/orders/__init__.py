"""What nodes shall do, and what became of it."""
