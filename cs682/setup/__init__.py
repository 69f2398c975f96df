"""Set the assignment up where it is opened: find its folder, look over packages, mend and start."""
