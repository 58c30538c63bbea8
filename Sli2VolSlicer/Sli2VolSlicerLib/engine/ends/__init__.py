"""Where a structure of a kind that was learned ends: seen from the drawn slice, whatever the pass says."""
