"""The node's sources as they go to a board: made lean, compiled, and bundled."""
