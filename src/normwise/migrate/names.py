"""From a dotted name of Keras 1 or 2 to its name in Keras 3."""

from __future__ import annotations

from normwise.migrate.changes import CHANGES

OTHER_ROOTS = (
    "tensorflow.python.keras",
    "tensorflow.contrib.keras.api.keras",
    "tensorflow.contrib.keras",
    "tensorflow.keras",
)
"""Where TensorFlow has, or had, its own Keras. Of JAX and torch only the package keras is at hand."""
MODULES = sorted(((c.old, c.new) for c in CHANGES if c.kind == "module"), key=lambda m: -len(m[0]))
NOT_MODULES = ("keras.layers.merge",)
"""In Keras 1 a function has the name of a module of Keras 2."""
NAMES = {c.old: c.new for c in CHANGES if c.kind == "name"}
GONE = {c.old: c for c in CHANGES if c.kind == "gone"}


def rooted(name: str) -> str:
    """The name below `keras`, wherever that stood.

    Example:
        >>> rooted("tensorflow.keras.layers.Dense")
        'keras.layers.Dense'
    """
    for root in OTHER_ROOTS:
        if name == root or name.startswith(root + "."):
            return "keras" + name.removeprefix(root)
    return name


def moved(name: str) -> str:
    """The name after its module has moved; what the name itself has become is another question.

    Example:
        >>> moved("keras.layers.core.Dense"), moved("keras.utils.np_utils")
        ('keras.layers.Dense', 'keras.utils')
    """
    name = rooted(name)
    for old, new in MODULES:
        if name.startswith(old + ".") or (name == old and old not in NOT_MODULES):
            return new + name.removeprefix(old)
    return name


def renamed(name: str) -> str:
    """The name in Keras 3.

    Example:
        >>> renamed("keras.layers.convolutional.Convolution2D")
        'keras.layers.Conv2D'
        >>> renamed("numpy.sum")
        'numpy.sum'
    """
    name = NAMES.get(rooted(name), rooted(name))
    name = moved(name)
    return NAMES.get(name, name)


def gone(name: str) -> str | None:
    """What to do instead of a name that has no successor, and since when; None where there is one."""
    name = moved(name)
    row = next((GONE[n] for n in GONE if name == n or name.startswith(n + ".")), None)
    return None if row is None else f"{row.old} is gone since Keras {row.version}: {row.new}"
