"""Bounds of expert placements by formula."""

from __future__ import annotations

from fractions import Fraction
from heapq import heapify, heapreplace

import numpy as np

from scheduling.models.experts.arrays import ExpertArrays
from scheduling.models.experts.problem import LOAD_SCALE


def load_bound(arrays: ExpertArrays) -> int:
    """Lower bound of the largest load: the mean load, and the least largest share of a copy.

    The slots hold all loads, so a device has at least the mean. Of all ways to share the slots out,
    giving each next copy to the expert with the largest load per copy makes that largest share
    least; a device that holds it has at least the smallest shares in its other slots, which is
    left out. With a hierarchy, each node has the mean of its devices at least, which says no more.
    """
    devices, slots = len(arrays.slots), int(arrays.slots.sum())
    mean = -(-LOAD_SCALE * int(arrays.load.sum()) // devices)
    shares = [(-Fraction(load), load, 1) for load in arrays.load.tolist()]
    heapify(shares)
    for _ in range(slots - len(shares)):
        _, load, copies = shares[0]
        heapreplace(shares, (-Fraction(load, copies + 1), load, copies + 1))
    largest = -shares[0][0]
    return max(mean, -(-LOAD_SCALE * largest.numerator // largest.denominator))


def bytes_bound(arrays: ExpertArrays, most: int | None) -> int:
    """Lower bound of the bytes copied when no device may have a load above ``most``.

    Experts that no device holds are copied at least once, and so is each that finds no slot among
    those that hold it: devices keep no more than their slots. Devices that hold nothing receive
    something, and together at least the load that the others cannot take; a copied expert brings
    them no more than its whole load.

    Parameters
    ----------
    arrays
        The problem.
    most
        Largest value of tier ``load``; ``None``: any.
    """
    missing = int(arrays.size[~arrays.held.any(axis=0)].sum())
    kept = int(np.minimum(arrays.slots, arrays.held.sum(axis=1)).sum())
    missing = max(missing, int(np.sort(arrays.size)[: max(0, len(arrays.size) - kept)].sum()))
    empty = ~arrays.held.any(axis=1)
    fresh = int(empty.sum()) * int(arrays.size.min())
    if most is None or not empty.any():
        return max(missing, fresh)
    # In thousandths, rounded so that the bound stays valid.
    left = LOAD_SCALE * int(arrays.load.sum()) - most * int((~empty).sum())
    order = np.argsort(-arrays.load / arrays.size, kind="stable")
    brought = 0
    for load, size in zip(arrays.load[order].tolist(), arrays.size[order].tolist(), strict=True):
        if left <= 0 or load == 0:
            break
        whole = LOAD_SCALE * load
        brought += size if left >= whole else -(-size * left // whole)
        left -= whole
    return max(missing, fresh, brought)
