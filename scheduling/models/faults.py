"""Faults that problems of several families have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from scheduling.errors import Fault

Entry = TypeVar("Entry", bound=Hashable)


def repeated(
    place: str,
    entries: Iterable[Entry],
    expected: str = "each once",
    shown: Callable[[Entry], str] = repr,
) -> Iterator[Fault]:
    """Yield a fault for every entry that stands more than once at a place.

    Parameters
    ----------
    place
        Where the entries stand.
    entries
        The entries, mostly names.
    expected
        How often each may stand there, in words.
    shown
        What is said of an entry; default: its representation.
    """
    for entry, count in Counter(entries).items():
        if count > 1:
            yield Fault(place, f"{shown(entry)} {count} times", expected)
