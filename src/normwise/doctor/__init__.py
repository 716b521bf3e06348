"""The doctor: rules over records, which say what is wrong with the normalization of a network, and why."""
