"""The parts of a modular neural network, written in NumPy and trained on CIFAR-10.

Start with the notebooks in `notebooks/`; they say which function of which module comes next.
Importing the package costs nothing: each module imports what it needs when it is used.
"""
