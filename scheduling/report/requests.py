"""Charts of simulated fleets: latencies, memory and queues over time, frontiers over rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError
from scheduling.report.axes import logarithmic
from scheduling.report.palette import INK, series_colour
from scheduling.report.pictures import check_suffix, write_picture
from scheduling.simulator.requests.compare import Comparison
from scheduling.simulator.requests.curves import memory_share, queued
from scheduling.simulator.requests.metrics import Estimate
from scheduling.simulator.requests.sweep import SweepRun, figure, grouped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

_SIZE = (12.0, 9.0)
_INSTANTS = 800
"""Instants at which a timeline of memory is drawn."""

_LATENCIES = (("TTFT", "ttft_seconds"), ("TPOT", "tpot_seconds"), ("E2E", "e2e_seconds"))
_DASHES = ("-", "--", "-.", ":")


def write_comparison(found: Comparison, path: str | Path) -> None:
    """Write a chart of policies side by side, ``.png`` or ``.svg`` by the suffix.

    Above, for each policy the share of requests whose TTFT, TPOT and E2E are at most so many
    seconds, with the tightest limit of a class that has one; below, over time, the share of the
    replicas' KV memory in use, and the requests that have come and not begun.

    Raises
    ------
    InputError
        For another suffix, a place that cannot be written, or runs without a timeline.
    """
    check_suffix(path)
    if any(one.run.instances[0].tally.samples is None for one in found.outcomes):
        raise InputError.single("runs", "no timeline", "runs that were watched with a timeline")
    write_picture(lambda page: _draw_comparison(found, page), path)


def write_frontier(runs: Sequence[SweepRun], path: str | Path, title: str) -> None:
    """Write a chart of a sweep: TPOT over TTFT, one line a policy through its rates.

    Both are the 99th percentiles of the class with the most requests, means over seeds with their
    95 % confidence. Left and down is better.

    Parameters
    ----------
    runs
        Of a sweep.
    path
        The file, ``.png`` or ``.svg``.
    title
        What was swept.

    Raises
    ------
    InputError
        For another suffix, a place that cannot be written, or runs that served nothing.
    """
    check_suffix(path)
    lines: dict[str, list[tuple[float | None, Estimate, Estimate]]] = {}
    for (policy, rate), own in grouped(runs).items():
        ttft, tpot = (figure(own, _percentile(name)) for name in ("ttft", "tpot"))
        if ttft is not None and tpot is not None:
            lines.setdefault(policy, []).append((rate, ttft, tpot))
    if not lines:
        raise InputError.single("runs", "no latencies", "runs that served requests")
    write_picture(lambda page: _draw_frontier(lines, page, title), path)


def _percentile(name: str) -> Callable[[dict[str, Any]], float | None]:
    """Return what takes the 99th percentile of the largest class out of a run's record."""

    def value(run: dict[str, Any]) -> float | None:
        largest = max(run["demands"], key=lambda demand: int(demand["requests"]))
        latency = largest[f"{name}_seconds"]
        return None if latency is None else float(latency["p99"]["value"])

    return value


def _draw_comparison(found: Comparison, page: Figure) -> None:
    page.set_size_inches(*_SIZE)
    page.suptitle(f"{found.problem.name or 'requests'}: {len(found.table)} requests")
    grid = page.add_gridspec(3, 3, height_ratios=(2, 1, 1))
    panels = [page.add_subplot(grid[0, column]) for column in range(3)]
    for ax, (name, attribute) in zip(panels, _LATENCIES, strict=True):
        for number, one in enumerate(found.outcomes):
            _distribution(ax, getattr(one.run, attribute), number, one.strategy.name)
        limits = [
            limit for slo in found.slos.values() if (limit := getattr(slo, attribute)) is not None
        ]
        if limits:
            ax.axvline(min(limits), color=INK, linewidth=0.8, linestyle=":", label="limit")
        logarithmic(ax)
        ax.set_xlabel(f"{name}, seconds")
    panels[0].set_ylabel("share of requests")
    memory = page.add_subplot(grid[1, :])
    queue = page.add_subplot(grid[2, :], sharex=memory)
    for number, one in enumerate(found.outcomes):
        style = _style(number)
        instants, share = memory_share(one.run, _INSTANTS)
        memory.plot(instants, 100 * share, label=one.strategy.name, **style)
        queue.step(*queued(one.run), where="post", **style)
    memory.set_ylabel("KV memory in use, %")
    memory.set_ylim(0, 102)
    queue.set_ylabel("requests in queues")
    queue.set_ylim(bottom=0)
    queue.set_xlabel("seconds")
    handles, labels = panels[0].get_legend_handles_labels()
    page.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)


def _style(number: int) -> dict[str, Any]:
    dashes = _DASHES[number % len(_DASHES)]
    return {"color": series_colour(number), "linewidth": 1.3, "linestyle": dashes}


def _distribution(ax: Axes, values: Floats, number: int, name: str) -> None:
    shown = np.sort(values[values > 0])
    if len(shown):
        shares = np.arange(1, len(shown) + 1) / len(shown)
        ax.step(shown, shares, where="post", label=name, **_style(number))


def _draw_frontier(
    lines: dict[str, list[tuple[float | None, Estimate, Estimate]]], page: Figure, title: str
) -> None:
    page.set_size_inches(8.0, 6.0)
    ax = page.subplots()
    for number, (policy, points) in enumerate(lines.items()):
        x = np.array([[ttft.value, ttft.half_width or 0.0] for _, ttft, _ in points])
        y = np.array([[tpot.value, tpot.half_width or 0.0] for _, _, tpot in points])
        # Latencies are not below 0, and a logarithmic axis shows no interval that reaches it.
        low = np.minimum(x[:, 1], 0.9 * x[:, 0])
        below = np.minimum(y[:, 1], y[:, 0])
        ax.errorbar(
            x[:, 0],
            1000 * y[:, 0],
            xerr=np.stack([low, x[:, 1]]),
            yerr=1000 * np.stack([below, y[:, 1]]),
            marker="o",
            markersize=4,
            capsize=2,
            elinewidth=0.7,
            label=policy,
            **_style(number),
        )
        for rate, ttft, tpot in points:
            if rate is not None:
                place = (ttft.value, 1000 * tpot.value)
                ax.annotate(
                    f"{rate:g}", place, xytext=(4, 4), textcoords="offset points", fontsize=7
                )
    ax.set_ylim(bottom=0.0)
    logarithmic(ax)
    ax.set_xlabel("TTFT p99, seconds")
    ax.set_ylabel("TPOT p99, milliseconds")
    ax.set_title(f"{title}: at each point its rate, requests a second")
    ax.grid(visible=True, color="#d5dbe1", linewidth=0.5)
    ax.set_axisbelow(True)
    ax.legend(frameon=False)
