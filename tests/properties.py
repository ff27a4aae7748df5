"""How many examples a property sees.

`make test` shows every property the same part of its examples on each run; `make thorough` shows
it all of them, drawn anew.
"""

from __future__ import annotations

import os
from math import ceil
from typing import Any

from hypothesis import settings

THOROUGH = os.environ.get("PROPERTIES") == "thorough"
"""Whether properties see all of their examples."""
_SHARE = 0.4
_FEWEST = 6


def examples(number: int, **more: Any) -> settings:
    """Return the settings of a property that `number` examples check thoroughly."""
    if not THOROUGH:
        number = min(number, max(_FEWEST, ceil(_SHARE * number)))
    return settings(max_examples=number, **more)
