"""Keeping it alive for ten years: clock, health, figures, doctor, import, backup's triggers and the service file."""
