"""Training of the end network on labelled structures and regions of like intensity."""

from .structures import EndStructure, end_structures
from .trainer import EndTrainer, EndTraining, HeldOutEnds

__all__ = ["EndStructure", "EndTrainer", "EndTraining", "HeldOutEnds", "end_structures"]
