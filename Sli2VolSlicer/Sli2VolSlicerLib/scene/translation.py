"""Slicer's translation of what is shown, and the text as it stands where Slicer is not.

Import it as `from .translation import tr as _`: Slicer's function looks at the file that calls it, so it
must be called directly.
"""

from __future__ import annotations

__all__ = ["tr"]

try:
    from slicer.i18n import tr
except ImportError:

    def tr(text: str) -> str:
        """The text as it stands."""
        return text
