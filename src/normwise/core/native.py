"""The compiled kernels, where this installation has them and `NORMWISE_KERNELS` does not turn them off."""

from __future__ import annotations

import os
from types import ModuleType

from normwise.core.errors import SettingError

try:
    from normwise import _native
except ImportError:
    _native = None  # type: ignore[assignment]

_SWITCH = "NORMWISE_KERNELS"
_VECTORS = "NORMWISE_SIMD"
_KINDS = ("baseline", "avx2", "avx512")


def native() -> ModuleType | None:
    """The extension with the kernels, or None where everything is to run on the portable path.

    Raises:
        SettingError: If `NORMWISE_KERNELS` is neither "on" nor "off", or `NORMWISE_SIMD` names no vectors.
    """
    wanted = os.environ.get(_SWITCH, "on")
    if wanted not in ("on", "off"):
        raise SettingError(f'{_SWITCH} must be "on" or "off", got {wanted!r}')
    if wanted == "off" or _native is None:
        return None
    vectors = os.environ.get(_VECTORS)
    if vectors is not None and vectors not in _KINDS:
        raise SettingError(f"{_VECTORS} must be one of {', '.join(_KINDS)}, got {vectors!r}")
    return _native


def called_native() -> ModuleType:
    """The extension for a program that was made to call it, whatever the switch says now.

    Raises:
        RuntimeError: If this installation has none.
    """
    if _native is None:
        raise RuntimeError(
            "this program calls normwise's native kernels, and this installation has none; make the program "
            f"with {_SWITCH}=off, or install normwise where there is a compiler of C++20"
        )
    return _native


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
