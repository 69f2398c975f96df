"""Take hand-ins in: find them in a platform's export, unpack them safely, pick what is graded."""
