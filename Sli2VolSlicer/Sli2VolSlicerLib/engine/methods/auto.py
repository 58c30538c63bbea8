"""Several methods, of which each pass gets the one that reproduces its drawn slice best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import MethodError
from ..protocol import CarryingMethod

_LEAD = 0.2
"""Another method than the first is taken if it reproduces the drawn slice by so much Dice better.

The first is the better one on the whole; chosen on the labelled training volumes, chaosT2MR and laMR."""


class Auto:
    """A choosing method.

    What carries masks over unchanged must not be among its candidates: it reproduces every drawn slice, and knows
    nothing.

    Args:
        candidates: the usual one first.
        lead: Dice by which another must be better than the first.

    Raises:
        MethodError: no candidates, or two of one name.
    """

    def __init__(self, candidates: Sequence[CarryingMethod], lead: float = _LEAD) -> None:
        names = [candidate.name for candidate in candidates]
        if not names or len(set(names)) < len(names):
            msg = f"To choose among methods it takes some, each of another name; got {', '.join(names) or 'none'}."
            raise MethodError(msg)
        self._candidates = tuple(candidates)
        self._lead = lead

    @property
    def name(self) -> str:
        return "auto"

    @property
    def device_name(self) -> str:
        return self._candidates[0].device_name

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(note for candidate in self._candidates for note in candidate.notes))

    @property
    def candidates(self) -> Sequence[CarryingMethod]:
        return self._candidates

    def choose(self, reproduced: Mapping[str, float]) -> CarryingMethod:
        """The first candidate, or the best of the others if it is clearly better; of equal ones the one named first.

        Args:
            reproduced: by a candidate's name, the Dice between the drawn slice and what came back of it.
        """
        usual = self._candidates[0]
        best = max(self._candidates, key=lambda candidate: reproduced[candidate.name])
        return best if reproduced[best.name] > reproduced[usual.name] + self._lead else usual
