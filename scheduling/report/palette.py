"""Colours that charts share.

The hues are those of Okabe and Ito ("Color universal design", 2008), which people with any of the
common colour vision deficiencies tell apart; their vermillion is kept for what is late. When the
hues are used up they return darker, then lighter.
"""

from __future__ import annotations

LATE = "#d55e00"
"""Lateness, and nothing else."""

INK = "#1c2733"
"""Text and outlines on a light ground."""

SERIES = (
    "#56b4e9",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#0072b2",
    "#f0e442",
    "#2f7ea8",
    "#a06f00",
    "#006b4e",
    "#94507a",
    "#00466e",
    "#b3a814",
    "#a5d6f3",
    "#f5cf80",
    "#7fd0b8",
    "#e8c3d7",
    "#7fb4d8",
    "#f8f29e",
)
"""Colours of jobs, in turn."""


def series_colour(number: int) -> str:
    """Return the colour with that number; the series repeats."""
    return SERIES[number % len(SERIES)]


def text_colour(ground: str) -> str:
    """Return black or white, whichever contrasts more with a ground ``#rrggbb`` (WCAG 2)."""
    luminance = _luminance(ground)
    return "#000000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
