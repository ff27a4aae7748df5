"""Windows of items as further resources: room at one moment each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.placement.problem import Item

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments at which capacities have to hold so that they hold always.

    Attributes
    ----------
    present
        (K, T) whether the items of a class are there at a moment. Every set of items that are ever
        there together is there together at one of the moments; without windows there is one.
    """

    present: Flags

    @property
    def windowed(self) -> Flags:
        """Classes that are not always there."""
        found: Flags = np.any(~self.present, axis=1)
        return found

    def columns(self, demand: Ints) -> tuple[Ints, Ints]:
        """Return which columns stand for a resource at a moment: the resource, and the moment.

        Resources that only items without a window ask for need no more than one moment.
        """
        varied = self._varied(demand)
        times = np.where(varied, self.present.shape[1], 1)
        resource = np.repeat(np.arange(demand.shape[1]), times)
        moment = np.arange(len(resource)) - np.repeat(np.cumsum(times) - times, times)
        return resource, moment

    def demand_at(self, demand: Ints, resource: Ints, moment: Ints) -> Ints:
        """Return the demand for columns, (K, columns)."""
        present = self.present[:, moment] | ~self._varied(demand)[resource]
        return np.where(present, demand[:, resource], 0)

    def _varied(self, demand: Ints) -> Flags:
        """Resources that items with a window ask for."""
        found: Flags = np.any(demand[self.windowed] > 0, axis=0)
        return found


def find_moments(samples: Sequence[Item]) -> Moments:
    """Return the moments of the classes of some items, as few as there need be.

    Sets of items grow at starts and shrink at ends. The largest ones are those at a start after
    which something ends before, or when, something else starts.
    """
    windows = [item.window for item in samples if item.window is not None]
    starts = np.unique(np.array([window.start for window in windows], np.int64))
    ends = np.unique(np.array([window.end for window in windows], np.int64))
    if not len(starts):
        return Moments(np.ones((len(samples), 1), bool))
    following = np.append(starts[1:], np.iinfo(np.int64).max)
    ending = np.searchsorted(ends, following, "right") > np.searchsorted(ends, starts, "right")
    starts = starts[ending]
    present = np.ones((len(samples), len(starts)), bool)
    for row, item in zip(present, samples, strict=True):
        if item.window is not None:
            row[:] = (item.window.start <= starts) & (starts < item.window.end)
    return Moments(present)
