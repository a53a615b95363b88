"""Who a node is, and who gets to know it: identity, registry, gateway and label."""
