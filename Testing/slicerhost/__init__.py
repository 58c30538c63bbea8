"""What the desktop application has and slicer-core lacks: just enough for this module and its tests."""
