"""Axes that charts share."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis


_STEPS: tuple[tuple[float, tuple[float, ...]], ...] = (
    (4.0, (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)),
    (50.0, (1, 2, 3, 5)),
    (1e3, (1, 2, 5)),
    (1e4, (1, 3)),
)
"""Digits at which an axis has ticks, while its ends are less than this factor apart."""

_DECADES = 4
"""Most powers of ten between its ends that a longer axis shows."""


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


def legend_beside(ax: Axes) -> None:
    """Put the legend on the right of a chart, where nothing is drawn."""
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def whole_numbers(*axes: Axis) -> None:
    """Have ticks of axes that count something at whole numbers alone."""
    from matplotlib.ticker import MaxNLocator

    for axis in axes:
        axis.set_major_locator(
            MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
        )


def logarithmic(ax: Axes) -> None:
    """Make the horizontal axis of a finished chart logarithmic, with plain numbers, kept apart."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    ax.set_xscale("log")
    low, high = ax.get_xlim()
    first, last = floor(log10(low)), ceil(log10(high))
    steps = next((steps for most, steps in _STEPS if high / low < most), (1,))
    apart = 1 if len(steps) > 1 else ceil((last - first) / _DECADES)
    ticks = [step * 10.0**decade for decade in range(first, last + 1, apart) for step in steps]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(low, high)
