"""Grading: student code runs in a sandbox, and everything that decides stays outside of it."""
