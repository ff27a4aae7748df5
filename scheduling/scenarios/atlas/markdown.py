"""The atlas as a table in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scheduling.report.words import percent

_HEADERS = (
    "system",
    "problem",
    "baseline",
    "reproduced figure",
    "certified gap",
    "published figure",
    "verdict",
)


def render_markdown(atlas: Mapping[str, Any]) -> str:
    """Return the table of an atlas, with the command and the machine class that gave it.

    Parameters
    ----------
    atlas
        What :meth:`~scheduling.scenarios.atlas.entries.Atlas.record` returns.
    """
    done, verdicts = atlas["systems"], atlas["verdicts"]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items() if count)
    about = (
        f"`{atlas['command']}` on {atlas['machine']}, Python {atlas['python']}, version "
        f"{atlas['version']}: {len(done)} of {atlas['total']} systems; {counts or 'none'}."
    )
    head = [f"| {' | '.join(_HEADERS)} |", f"|{'---|' * len(_HEADERS)}"]
    rows = [f"| {' | '.join(_row(one))} |" for one in done]
    return "\n".join([about, "", *head, *rows])


def _row(entry: Mapping[str, Any]) -> list[str]:
    figure = entry["figure"]
    about = [f"**{_plain(entry['name'])}**: {_plain(entry['system'])}", _plain(entry["problem"])]
    verdict = f"**{entry['verdict']}**: {_plain(entry['why'])}"
    if figure is None:
        return [*about, "-", "-", "-", "-", verdict]
    value, ratio = figure["baseline_value"], figure["ratio"]
    times = "" if ratio is None else f" ({ratio:.3g} of it)"
    return [
        *about,
        "-" if value is None else f"{_plain(figure['baseline'])}: {value:.4g}",
        f"{_plain(figure['measure'])}, {_plain(figure['method'])}: {figure['value']:.4g}{times}",
        percent(figure["gap"]),
        _plain(figure["published"] or "-"),
        verdict,
    ]


def _plain(text: str) -> str:
    """Return a text that stays within its cell and is shown as it is."""
    for mark in ("\\", "|", "*", "_", "<", "`", "$", "["):
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
