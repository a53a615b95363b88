"""Governance as code: whose data it is, who may have it, how long it is kept, how fresh it promises to be."""
