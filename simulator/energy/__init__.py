"""What nodes take from their cells: a ledger fed by what mind and MAC really do."""
