"""What methods without weights have in common."""

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
