"""Self-supervised training on anyone's volumes: no labels needed."""

from .presets import TRAINABLE, training_settings
from .sampling import SamplingSettings, TrainingVolume
from .trainer import HeldOutError, StepCallback, Trainer, TrainingReport, TrainingSettings

__all__ = [
    "TRAINABLE",
    "HeldOutError",
    "SamplingSettings",
    "StepCallback",
    "Trainer",
    "TrainingReport",
    "TrainingSettings",
    "TrainingVolume",
    "training_settings",
]
