"""Run a student's code where it can reach nothing: processes, their walls, and the wire to them."""
