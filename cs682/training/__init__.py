"""What the solver works with: options, state, log, checkpoints, schedules, threads and more."""
