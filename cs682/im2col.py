"""Nothing: a name that notebooks on convolutional networks import; see `cs682.fast_layers`."""

from cs682.fast_layers import __getattr__ as __getattr__

__all__: list[str] = []
