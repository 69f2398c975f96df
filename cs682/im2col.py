"""Nothing: a name that old notebooks import; what they need of it is in `cs682.fast_layers`."""

from __future__ import annotations

from typing import NoReturn

__all__: list[str] = []


def __getattr__(name: str) -> NoReturn:
    """Refuse names that stood here in other editions.

    Raises
    ------
    AttributeError
        For names of Python itself.
    ImportError
        For all others, with where to find the layers that were made of them.
    """
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        f"cs682 has no {name}: its convolution and pooling lay out windows by themselves, with "
        "nothing to compile; use conv_forward_fast, conv_backward_fast, max_pool_forward_fast and "
        "max_pool_backward_fast of cs682.fast_layers"
    )
