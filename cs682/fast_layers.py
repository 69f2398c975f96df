"""Nothing: a name that older student files import.

The convolution layers that lived here, with an extension to be compiled, are not part of this
assignment. Files of earlier editions say ``from cs682.fast_layers import *`` all the same.
"""

__all__: list[str] = []
