"""quick_to_compile: options of XLA's compiler for a program that runs a few times."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

OPTIONS: Mapping[str, Any] = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
}
"""Without them a program is compiled four times as slowly; with them it runs half as fast where it is not a
product of matrices or a convolution."""


def quick_to_compile() -> dict[str, Any]:
    """The options that this JAX knows: XLA adds and takes away options as it likes."""
    return {name: value for name, value in OPTIONS.items() if is_known(name, value)}


@functools.cache
def is_known(name: str, value: Any) -> bool:
    """Whether the compiler takes an option."""
    import jax

    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except Exception:  # of a kind that differs from version to version
        return False
    return True
