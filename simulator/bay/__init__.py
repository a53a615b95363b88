"""A parking bay as its sensor feels it, and a trial that counts what the parking role tells right of it."""
