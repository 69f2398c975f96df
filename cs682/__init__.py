"""The parts of a modular neural network, written in NumPy and trained on CIFAR-10.

Start with the notebooks in `notebooks/`; they say which function of which module comes next.
Importing the package costs nothing: each module imports what it needs when it is used.
"""

import os

# OpenBLAS's idle threads spin for 25 ms and keep the cores from NumPy's own work between two matrix
# products. A tenth of a millisecond (2**18 cycles) is enough to be there for the next product.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "18")
