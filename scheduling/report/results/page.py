"""The report: one HTML page of results that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.report.html import fill_template
from scheduling.report.palette import SERIES, text_colour
from scheduling.report.results.content import Section, as_data

_SCRIPTS = ("format.js", "common.js", "plot.js", "contents.js", "report.js")


def render_report(sections: Sequence[Section], title: str) -> str:
    """Return the page; the same sections give the same bytes.

    It loads nothing: styles, scripts and data are in it, and its content security policy forbids
    any request.

    Parameters
    ----------
    sections
        What :func:`~scheduling.report.results.reading.read_results` returns.
    title
        Heading of the page.
    """
    data = {
        "sections": as_data(sections),
        "palette": SERIES,
        "paletteText": [text_colour(colour) for colour in SERIES],
    }
    return fill_template(
        "report.html",
        styles=("gantt.css", "report.css"),
        scripts=_SCRIPTS,
        data=data,
        texts={"title": title},
    )
