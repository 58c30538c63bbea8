"""Training of the refinement on real passes: labelled structures, and regions and tracks of like intensity."""

from .batches import BatchSettings
from .examples import PassExample, pass_examples
from .held_out import held_out_patients
from .kept import identity_of, keep_examples, kept_examples
from .objects import LabelledVolume
from .sent_on import SendingOn, sent_on_examples
from .starts import ExampleSettings
from .trainer import HeldOutDice, RefinementTrainer, RefinementTraining, grown

__all__ = [
    "BatchSettings",
    "ExampleSettings",
    "HeldOutDice",
    "LabelledVolume",
    "PassExample",
    "RefinementTrainer",
    "RefinementTraining",
    "SendingOn",
    "grown",
    "held_out_patients",
    "identity_of",
    "keep_examples",
    "kept_examples",
    "pass_examples",
    "sent_on_examples",
]
