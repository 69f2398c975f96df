"""Name the likely mistake behind a wrong value: candidates that each check tries."""
