"""Type names used throughout the package; imported by type checkers only."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]  # activations, parameters and gradients
Labels: TypeAlias = NDArray[np.integer[Any]]  # one class index per example
Cache: TypeAlias = tuple[Any, ...]  # what a forward pass keeps for its backward pass
Params: TypeAlias = dict[str, Array]  # parameters or gradients by name
Options: TypeAlias = dict[str, Any]  # bn_param, ln_param, dropout_param, optimiser config
