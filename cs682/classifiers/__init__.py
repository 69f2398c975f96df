"""Networks that are snapped together from the layers."""
