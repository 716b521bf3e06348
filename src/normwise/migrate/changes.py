"""The table of changes: all that `normwise migrate` knows of Keras 1, 2 and 3."""

from __future__ import annotations

from normwise.migrate.changes_backend import BACKEND, GONE
from normwise.migrate.changes_layers import LAYERS, VALUES
from normwise.migrate.changes_modules import MODULES, NAMES
from normwise.migrate.changes_training import CALLBACKS, COMPILING, TRAINING

CHANGES = (*MODULES, *NAMES, *LAYERS, *VALUES, *COMPILING, *TRAINING, *CALLBACKS, *BACKEND, *GONE)
