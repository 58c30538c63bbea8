"""Training of `sli2vol-plus`: pseudo-labels from one slice, refined, guide the learning of correspondence."""

from .boxes import Box, boxes_of
from .pseudo_labels import PseudoLabels, identity_of, keep_labels, kept_labels, one_slice, propagated
from .refining import HeldOutAgreement, PseudoLabelRefiner, RefiningTraining, refined, require_monai
from .sampling import GuidedSampler
from .trainer import PlusTrainer, PlusTraining, guided_error

__all__ = [
    "Box",
    "GuidedSampler",
    "HeldOutAgreement",
    "PlusTrainer",
    "PlusTraining",
    "PseudoLabelRefiner",
    "PseudoLabels",
    "RefiningTraining",
    "boxes_of",
    "guided_error",
    "identity_of",
    "keep_labels",
    "kept_labels",
    "one_slice",
    "propagated",
    "refined",
    "require_monai",
]
