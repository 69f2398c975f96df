"""Answers as they were collected."""
