"""What methods without weights have in common."""

from __future__ import annotations

from ..protocol import PassRules, Refinement


class PlainMethod:
    """Runs on the CPU by the plainest rules: hard masks, no verification, until nothing is left."""

    @property
    def device_name(self) -> str:
        return "cpu"

    @property
    def notes(self) -> tuple[str, ...]:
        return ()

    @property
    def rules(self) -> PassRules:
        return PassRules()

    @property
    def refinement(self) -> Refinement | None:
        return None
