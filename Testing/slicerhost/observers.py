"""Which observers a VTK object has, told from what it prints: Python has no other way to ask."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any


def observers_of(target: Any) -> Counter[str]:
    """How many observers wait for each event, by its number.

    Only of objects that print them: a scene, a segmentation, a logic; MRML nodes do not.
    """
    text = str(target).split("Registered Events:", 1)[-1]
    own = re.split(r"\n  \S", text, maxsplit=1)[0]
    return Counter(re.findall(r"Event: (\d+)", own))
