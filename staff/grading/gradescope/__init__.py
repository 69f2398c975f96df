"""Export the grader to Gradescope, and grade one hand-in there."""
