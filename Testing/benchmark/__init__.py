"""The benchmark: every labelled structure of a folder, every method, one table."""
