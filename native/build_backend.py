"""scikit-build-core, and where it cannot build the kernels, a wheel of Python alone.

Its own override for failed builds does not cover a machine without CMake.
"""

from __future__ import annotations

import sys
from typing import Any

from scikit_build_core import build as cmake
from scikit_build_core.build import (  # noqa: F401 what a backend must have
    build_sdist,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)
from scikit_build_core.errors import CMakeNotFoundError, NinjaNotFoundError

Settings = dict[str, Any] | None


def build_wheel(
    directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """The wheel, with the kernels where they can be built."""
    try:
        return cmake.build_wheel(directory, config_settings, metadata_directory)
    except (CMakeNotFoundError, NinjaNotFoundError) as error:
        print(f"normwise: {error}; building without kernels, on the portable path", file=sys.stderr)
        portable = {**(config_settings or {}), "wheel.cmake": "false"}
        return cmake.build_wheel(directory, portable, metadata_directory)
