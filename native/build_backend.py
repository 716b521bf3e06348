"""scikit-build-core, and where it cannot build the kernels, a wheel of Python alone.

Its own override for failed builds does not cover a machine without CMake.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from scikit_build_core import build as cmake
from scikit_build_core.build import (  # noqa: F401 what a backend must have
    build_sdist,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)
from scikit_build_core.errors import CMakeNotFoundError, NinjaNotFoundError

Settings = dict[str, Any] | None


def build_wheel(directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """The wheel, with the kernels where they can be built."""
    return _portable_if_it_must(
        lambda settings: cmake.build_wheel(directory, settings, metadata_directory), config_settings
    )


def prepare_metadata_for_build_wheel(directory: str, config_settings: Settings = None) -> str:
    """The wheel's metadata."""
    return _portable_if_it_must(
        lambda settings: cmake.prepare_metadata_for_build_wheel(directory, settings), config_settings
    )


def _portable_if_it_must(build: Callable[[Settings], str], settings: Settings) -> str:
    try:
        return build(settings)
    except (CMakeNotFoundError, NinjaNotFoundError) as error:
        print(f"normwise: {error}; building without kernels, on the portable path", file=sys.stderr)
        return build({**(settings or {}), "wheel.cmake": "false"})
