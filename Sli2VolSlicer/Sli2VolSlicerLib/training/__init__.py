"""Self-supervised training on anyone's volumes: no labels needed."""

from .presets import TRAINABLE, training_settings
from .sampling import SamplingSettings, TrainingVolume
from .trainer import HeldOutError, Trainer, TrainingSettings

__all__ = [
    "TRAINABLE",
    "HeldOutError",
    "SamplingSettings",
    "Trainer",
    "TrainingSettings",
    "TrainingVolume",
    "training_settings",
]
