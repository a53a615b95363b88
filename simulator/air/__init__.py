"""The radio between nodes and gateways: where they stand, how loud each hears the other, and what becomes of frames."""
