"""Training of correspondence that carries labels over several slices, beside learning without labels."""

from .sampling import LabelRunSampler, RunSettings
from .trainer import CarryingTrainer, CarryingTraining

__all__ = ["CarryingTrainer", "CarryingTraining", "LabelRunSampler", "RunSettings"]
