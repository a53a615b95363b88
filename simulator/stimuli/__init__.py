"""What the sensors of the virtual city see, made up or replayed, and what really happened."""
