"""A class-agnostic network that draws a slice's mask from its neighbour's, by what both slices show."""
