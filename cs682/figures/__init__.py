"""Draw what the notebooks show: one style, pictures of images and weights, tables of results."""
