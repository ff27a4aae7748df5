"""Axes that charts share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


def name_rows(ax: Axes, names: Sequence[str], otherwise: str, most: int = 40) -> None:
    """Name the rows of a chart, the first at the top.

    Parameters
    ----------
    ax
        The chart; row ``k`` is at ``k``.
    names
        Of the rows, in order.
    otherwise
        What the rows are and how they are ordered, said where there are too many to name.
    most
        Most rows that are named.
    """
    if len(names) <= most:
        ax.set_yticks(range(len(names)), names, fontsize=7)
    else:
        ax.set_ylabel(otherwise)
    ax.invert_yaxis()


def name_columns(ax: Axes, names: Sequence[str], otherwise: str, most: int = 40) -> None:
    """Name the columns of a chart, aslant; parameters as of :func:`name_rows`."""
    if len(names) <= most:
        ax.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
    else:
        ax.set_xlabel(otherwise)
