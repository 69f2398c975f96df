"""Judge one hand-in: exercises, trained models and answers, each on its own merits."""
