"""Refinement: a pass is looked at as a whole when it has ended, and mended, extended or cut short."""
