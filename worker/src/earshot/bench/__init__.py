"""What is measured, and against which rival, in one run: `scripts/bench`."""
