"""What a node keeps when the power goes: counters, its log, its firmware in two slots."""
