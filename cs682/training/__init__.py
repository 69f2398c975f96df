"""What the solver works with: its options, state, log, checkpoints, schedules and augmentation."""
