"""Copying arrays in kernels.

Where numba assigns one array to a part of another, it also compiles the message for shapes that
differ, with all that text needs: seconds for each group of kernels.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from scheduling.solvers.jit import njit


@njit.lean
def copy(to: NDArray[Any], values: NDArray[Any]) -> None:
    """Copy all values of an array of one dimension to the beginning of another."""
    for place in range(len(values)):
        to[place] = values[place]
