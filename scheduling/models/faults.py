"""Faults that problems of several families have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from scheduling.errors import Fault


def repeated(place: str, ids: Iterable[str]) -> Iterator[Fault]:
    """Yield a fault for every name that stands more than once at a place."""
    for name, count in Counter(ids).items():
        if count > 1:
            yield Fault(place, f"{name!r} {count} times", "each once")
