"""Sli2VolSlicer: one painted slice becomes a volume."""
