"""Pictures as bytes and files, the same ones for the same content."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.errors import InputError
from scheduling.storage import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DOTS_PER_INCH = 150

SUFFIXES = (".png", ".svg")
"""Endings of the names of pictures."""


def write_picture(draw: Callable[[Figure], object], path: str | Path) -> None:
    """Draw into a new figure and write it, ``.png`` or ``.svg`` by the suffix, whole or not at all.

    Raises
    ------
    InputError
        For another suffix, and a place that cannot be written.
    """
    suffix = check_suffix(path)
    write_whole(Path(path), picture(draw, suffix[1:]))


def check_suffix(path: str | Path, suffixes: Collection[str] = SUFFIXES) -> str:
    """Return the suffix of a chart's name in lower case, for a check before a long search.

    Parameters
    ----------
    path
        Where the chart is to be written.
    suffixes
        What its name may end in; default: the forms of pictures.

    Raises
    ------
    InputError
        For another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in suffixes:
        *others, last = suffixes
        ends = f"{', '.join(others)} or {last}" if others else last
        expected = f"a name that ends in {ends}"
        raise InputError.single("suffix", repr(suffix), expected, str(path))
    return suffix


def picture(draw: Callable[[Figure], object], form: str) -> bytes:
    """Draw into a new figure and return it as a file of that form (``png`` or ``svg``)."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"svg.hashsalt": "scheduling", "svg.fonttype": "none"})
        figure = Figure(layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(buffer, format=form, dpi=_DOTS_PER_INCH, metadata=metadata)
    return buffer.getvalue()
