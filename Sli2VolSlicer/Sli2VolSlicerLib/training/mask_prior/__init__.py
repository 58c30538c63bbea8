"""Training of the mask prior on its own drift, over structures, regions and tracks cut out of volumes."""

from .cut_outs import CutOut, CutOutSettings, cut_outs
from .episodes import EpisodeSettings
from .trainer import HeldOutDice, MaskPriorTrainer, MaskPriorTraining

__all__ = [
    "CutOut",
    "CutOutSettings",
    "EpisodeSettings",
    "HeldOutDice",
    "MaskPriorTrainer",
    "MaskPriorTraining",
    "cut_outs",
]
