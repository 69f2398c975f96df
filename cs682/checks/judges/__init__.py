"""Judge exercises: one check for each, a plain function over a subject."""
