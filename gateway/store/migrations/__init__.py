"""The schema, step by step: NNNN_name.sql, applied in order, each in one transaction; never edited once released."""
