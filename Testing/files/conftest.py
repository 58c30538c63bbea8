"""The made-up volume of the commands' tests."""

from __future__ import annotations

from commands.conftest import case

__all__ = ["case"]
