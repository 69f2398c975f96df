"""Tools for the people who give the course; nothing in here reaches a student."""
