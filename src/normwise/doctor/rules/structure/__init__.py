"""3xx: the structure of the network."""
