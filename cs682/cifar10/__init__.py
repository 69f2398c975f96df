"""Bring CIFAR-10 or its stand-in onto the disk, and read its files without trusting them."""
