"""Keras 1 and 2 source to Keras 3: `normwise migrate`. It needs LibCST, the extra `migrate`."""
