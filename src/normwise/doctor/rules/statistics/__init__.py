"""4xx: the statistics of batch normalization."""
