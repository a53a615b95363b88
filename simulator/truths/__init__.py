"""What must be true of every run, whatever its seed and its luck: who watches, and what broke."""
