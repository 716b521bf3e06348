"""The compiled kernels, where this installation has them and `NORMWISE_KERNELS` does not turn them off."""

from __future__ import annotations

import os
from types import ModuleType

try:
    from normwise import _native
except ImportError:
    _native = None  # type: ignore[assignment]

_SWITCH = "NORMWISE_KERNELS"


def native() -> ModuleType | None:
    """The extension with the kernels, or None where everything is to run on the portable path.

    Raises:
        ValueError: If `NORMWISE_KERNELS` is neither "on" nor "off".
    """
    wanted = os.environ.get(_SWITCH, "on")
    if wanted not in ("on", "off"):
        raise ValueError(f'{_SWITCH} must be "on" or "off", got {wanted!r}')
    return _native if wanted == "on" else None


def kernels_in_use() -> str:
    """Which path is in use, in words.

    Example:
        >>> import os
        >>> os.environ["NORMWISE_KERNELS"] = "off"
        >>> kernels_in_use()
        'portable, as NORMWISE_KERNELS=off'
        >>> del os.environ["NORMWISE_KERNELS"]
    """
    found = native()
    if found is not None:
        return f"native, {found.simd()}, {found.threads()} threads"
    return "portable, as none are built" if _native is None else f"portable, as {_SWITCH}=off"
