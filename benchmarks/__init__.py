"""What the package costs, measured side by side with PyTorch, plain float64 and the machine."""
