"""The part of the checker that knows when items are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scheduling.models.placement.problem import Item


def there(item: Item, moment: int) -> bool:
    """Tell whether an item is there at a moment."""
    return item.window is None or item.window.start <= moment < item.window.end


def moments(items: Iterable[Item]) -> Iterator[int]:
    """Yield moments among which is one of the most crowded, whichever of the items stay.

    Items only ever come at the start of a window.
    """
    starts = {item.window.start for item in items if item.window is not None}
    yield from sorted(starts) or (0,)


def meet(first: Item, second: Item) -> bool:
    """Tell whether two items are ever there at the same time."""
    if first.window is None or second.window is None:
        return True
    return first.window.start < second.window.end and second.window.start < first.window.end
