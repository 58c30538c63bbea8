"""What methods have in common."""

from __future__ import annotations

from ..protocol import PassRules, Refinement


class MethodWithoutWeights:
    """Runs on the CPU, and has nothing to tell of it."""

    @property
    def device_name(self) -> str:
        return "cpu"

    @property
    def notes(self) -> tuple[str, ...]:
        return ()


class PlainMethod(MethodWithoutWeights):
    """Carries by the plainest rules: hard masks, no verification, until nothing is left."""

    @property
    def rules(self) -> PassRules:
        return PassRules()

    @property
    def refinement(self) -> Refinement | None:
        return None


class RuledMethod:
    """Carries by the rules that it was made with, and has nothing to tell of its device but the name.

    Args:
        name: the method's name.
        device_name: where it runs, in words.
        rules: how passes are run.
        refinement: mends passes when they have ended.
    """

    def __init__(self, name: str, device_name: str, rules: PassRules, refinement: Refinement | None = None) -> None:
        self._name = name
        self._device_name = device_name
        self._rules = rules
        self._refinement = refinement

    @property
    def name(self) -> str:
        return self._name

    @property
    def device_name(self) -> str:
        return self._device_name

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    @property
    def rules(self) -> PassRules:
        return self._rules

    @property
    def refinement(self) -> Refinement | None:
        return self._refinement
