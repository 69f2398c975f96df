"""Nothing: a name that older student files import.

The convolution layers that lived here, with an extension to be compiled, are not part of this
assignment. Files of earlier editions say ``from cs682.fast_layers import *`` all the same.
"""

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
        For all others, with what this edition holds.
    """
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        f"cs682 has no {name}: convolutional layers and networks are not part of this edition of "
        "the assignment, which ends with fully-connected networks"
    )
