"""Affine functions below a function that never falls, from some of its values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

_RATIO = 1.02

Point = tuple[int, float]


def lower_edges(function: Callable[[float], float], most: int) -> list[tuple[float, float]]:
    """Return lines ``(at zero, slope)`` below a function that never falls, at 1, 2, … ``most``.

    Between two numbers at which it is asked the function is at least its value at the lower one; at
    the last number before the higher one that makes a corner. The lines are the edges of the lower
    hull of all corners, and the level line of the first. The function is asked at every number up
    to 50, then every 2 %; lines below 0 at zero are left out.

    Parameters
    ----------
    function
        Never falls.
    most
        Greatest number, at least 1.
    """
    asked = [1]
    while asked[-1] < most:
        asked.append(min(most, max(asked[-1] + 1, int(asked[-1] * _RATIO))))
    ends = [*(number - 1 for number in asked[1:]), most]
    hull: list[Point] = []
    for number, end in zip(asked, ends, strict=True):
        corner = (end, function(number))
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-1], corner):
            hull.pop()
        hull.append(corner)
    lines = [(hull[0][1], 0.0)]
    for left, right in pairwise(hull):
        slope = _slope(left, right)
        lines.append((left[1] - slope * left[0], slope))
    return [line for line in lines if line[0] >= 0]


def _slope(left: Point, right: Point) -> float:
    return (right[1] - left[1]) / (right[0] - left[0])
