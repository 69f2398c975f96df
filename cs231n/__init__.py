"""The package under the name it has in CS231n, so that notebooks of that course run unchanged.

Each module here is the module of `cs682` itself, not a copy.
"""

import importlib
import sys

for _name in (
    "layers",
    "fast_layers",
    "layer_utils",
    "optim",
    "solver",
    "gradient_check",
    "data_utils",
    "vis_utils",
    "classifiers",
    "classifiers.fc_net",
    "classifiers.cnn",
    "im2col",
):
    _module = importlib.import_module(f"cs682.{_name}")
    sys.modules[f"{__name__}.{_name}"] = _module
    if "." not in _name:
        globals()[_name] = _module
