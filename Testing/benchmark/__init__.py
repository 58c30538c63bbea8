"""The benchmark: every labelled structure, one painted slice, one row per method."""
