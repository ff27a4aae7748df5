"""The picture of a serving plan: every node with its GPUs, coloured by component."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.models.serving.plan import Component, ServingPlan
from scheduling.report.palette import INK, series_colour, text_colour
from scheduling.report.pictures import write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pools = Mapping[str, tuple[int, int]]
"""Nodes of each pool, and GPUs of each of them."""

_IDLE = "#eef1f4"
_MOST_NODES = 64
"""Nodes of a pool that are drawn; the rest is a line of text."""


def write_fleet(plan: ServingPlan, pools: Pools, path: str | Path) -> None:
    """Write a picture of a plan, ``.png`` or ``.svg`` by the suffix, whole or not at all.

    A row is a node, a square one of its GPUs with the number of the replica that it belongs to;
    grey GPUs are idle.

    Parameters
    ----------
    plan
        What is drawn.
    pools
        The pools that it may use.
    path
        Where to write; an existing file is replaced.

    Raises
    ------
    InputError
        For another suffix, and a place that cannot be written.
    """
    write_picture(lambda figure: _draw(plan, pools, figure), path)


def _draw(plan: ServingPlan, pools: Pools, figure: Figure) -> None:
    shown = {name: min(nodes, _MOST_NODES) for name, (nodes, _) in pools.items()}
    widest = max(gpus for _, gpus in pools.values())
    figure.set_size_inches(3.2 + 0.34 * widest, 1.4 + 0.34 * sum(shown.values()) + 0.5 * len(pools))
    figure.suptitle(plan.name, color=INK)
    heights = [count + 1 for count in shown.values()]
    grid = figure.add_gridspec(len(pools), 1, height_ratios=heights)
    colours = {c.name: series_colour(row) for row, c in enumerate(plan.components)}
    for row, (name, (nodes, gpus)) in enumerate(pools.items()):
        ax = figure.add_subplot(grid[row, 0])
        owners = _owners(plan, name, gpus)
        _pool(ax, owners, (shown[name], gpus), colours)
        more = f" ({nodes - shown[name]} more nodes)" if nodes > shown[name] else ""
        ax.set_title(name + more, loc="left", fontsize=9, color=INK)
    _legend(figure, plan, colours)


def _owners(plan: ServingPlan, pool: str, gpus: int) -> dict[tuple[int, int], tuple[str, int]]:
    """Return component and replica of each GPU, by node and place."""
    owners: dict[tuple[int, int], tuple[str, int]] = {}
    free: dict[int, int] = {}
    for component in plan.components:
        if component.pool != pool:
            continue
        for replica, place in enumerate(_places(component, gpus, free), 1):
            for node, count in place:
                start = free.get(node, 0)
                for at in range(start, start + count):
                    owners[node, at] = component.name, replica
                free[node] = start + count
    return owners


def _places(
    component: Component, gpus: int, free: Mapping[int, int]
) -> list[list[tuple[int, int]]]:
    """Return nodes and GPUs of each replica, one behind the other where they are not planned."""
    if component.places:
        prefix = f"{component.pool}-"
        return [
            [(int(share.node.removeprefix(prefix)), share.gpus) for share in place]
            for place in component.places
        ]
    node, used = max(free, default=-1) + 1, 0
    per_node = min(component.layout.gpus, gpus)
    places = []
    for _ in range(component.replicas):
        place = []
        for _ in range(component.nodes_per_replica):
            if used + per_node > gpus:
                node, used = node + 1, 0
            place.append((node, per_node))
            used += per_node
        places.append(place)
    return places


def _pool(
    ax: Axes,
    owners: Mapping[tuple[int, int], tuple[str, int]],
    size: tuple[int, int],
    colours: Mapping[str, str],
) -> None:
    from matplotlib.patches import Rectangle

    nodes, gpus = size
    for node in range(nodes):
        for at in range(gpus):
            owner = owners.get((node, at))
            colour = colours[owner[0]] if owner else _IDLE
            box = Rectangle((at, node), 0.92, 0.92, facecolor=colour, edgecolor="none")
            ax.add_patch(box)
            if owner:
                ax.text(
                    at + 0.46,
                    node + 0.46,
                    str(owner[1]),
                    ha="center",
                    va="center",
                    fontsize=7,
                    color=text_colour(colour),
                )
    ax.set_xlim(-0.1, gpus + 0.1)
    ax.set_ylim(nodes, -0.1)
    ax.set_aspect("equal", anchor="W")
    ax.set_xticks([])
    ax.set_yticks([node + 0.46 for node in range(nodes)], [str(node) for node in range(nodes)])
    ax.tick_params(length=0, labelsize=7, colors=INK)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _legend(figure: Figure, plan: ServingPlan, colours: Mapping[str, str]) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(color=colours[c.name], label=f"{c.name}: {c.replicas} x {c.layout}")
        for c in plan.components
    ]
    if handles:
        figure.legend(handles=handles, loc="outside lower left", frameon=False, fontsize=8)
