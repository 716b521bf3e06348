"""use_compilation_cache: programs that an earlier process compiled are read and not compiled again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import jax

LARGEST_BYTES = 512 * 2**20
"""The oldest programs are deleted where the folder holds more."""


def use_compilation_cache() -> Path | None:
    """Turns JAX's persistent compilation cache on, in a folder of the user's own, unless JAX was told
    otherwise.

    The folder is ``$XDG_CACHE_HOME/normwise/programs-…``, or below ``~/.cache``; its name holds a digest of
    the processor's features, since a program is made for them. ``JAX_COMPILATION_CACHE_DIR`` names another
    folder, and ``JAX_ENABLE_COMPILATION_CACHE=false`` turns it off.

    Returns:
        The folder; None where JAX's own settings hold, or where it cannot be written.

    Source: https://docs.jax.dev/en/latest/persistent_compilation_cache.html
    """
    config: Any = jax.config
    if config.jax_compilation_cache_dir or not config.jax_enable_compilation_cache:
        return None
    folder = _caches() / "normwise" / f"programs-{_processor()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _delete_oldest(folder)
    except OSError:
        return None
    # JAX runs what it finds there: nobody else may write into it.
    if not os.access(folder, os.W_OK) or folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o022:
        return None
    config.update("jax_compilation_cache_dir", str(folder))
    # The many small programs of building a network, too.
    config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    return folder


def _caches() -> Path:
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if os.path.isabs(named) else Path.home() / ".cache"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = [os.uname().machine]
    features = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256((os.uname().machine + features).encode()).hexdigest()[:12]


def _delete_oldest(folder: Path) -> None:
    entries = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in folder.iterdir())
    excess = sum(size for _, size, _ in entries) - LARGEST_BYTES
    for _, size, file in entries:
        if excess <= 0:
            return
        file.unlink(missing_ok=True)
        excess -= size
