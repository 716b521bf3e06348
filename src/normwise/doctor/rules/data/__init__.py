"""1xx: the data that the network takes."""
