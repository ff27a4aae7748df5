"""Charts of expert placements: the load of every device beside the mean, and what is copied."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from scheduling.models.experts.check import device_loads, fillings_of
from scheduling.models.experts.problem import LOAD_SCALE, ExpertProblem
from scheduling.models.experts.solution import ExpertSolution
from scheduling.report.axes import legend_beside, name_rows
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import closed_mark, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATES = ("is there", "is copied there")
"""What the two colours of experts stand for."""


class Share(NamedTuple):
    """What the copies of one expert on one device add to its load.

    ``copies`` of all its ``of`` copies are there; ``copied``: the device does not hold it now.
    """

    expert: str
    device: str
    row: int
    start: float
    end: float
    copies: int
    of: int
    copied: bool


def sentence(problem: ExpertProblem, solution: ExpertSolution) -> str:
    """Say how large the largest load is, how much is copied, and what is proven."""
    name = problem.name or "experts"
    if not solution.fillings:
        return f"{name}: no placement ({solution.status})"
    said = []
    for tier in solution.tiers:
        value = tier.objective
        if tier.name == "load" and value is not None:
            said.append(f"largest load {value / LOAD_SCALE:,.6g}")
        else:
            said.append(f"{number(value)} bytes copied")
        said[-1] += closed_mark(tier)
    return f"{name}: {', '.join(said) or solution.status}"


def shares(problem: ExpertProblem, solution: ExpertSolution) -> tuple[list[str], list[Share]]:
    """Return the devices, the most loaded first, and what makes up their loads."""
    filled = fillings_of(solution)
    loads = device_loads(problem, filled)
    total: Counter[str] = Counter()
    for counts in filled.values():
        total.update(counts)
    load = {expert.id: expert.load for expert in problem.experts}
    holds = {device.id: set(device.holds) for device in problem.devices}
    devices = sorted(loads, key=lambda name: -loads[name])
    found = []
    for row, device in enumerate(devices):
        part = {name: load[name] * count / total[name] for name, count in filled[device].items()}
        start = 0.0
        for name in sorted(part, key=lambda name: -part[name]):
            end = start + part[name]
            copied = name not in holds[device]
            copies = filled[device][name]
            found.append(Share(name, device, row, start, end, copies, total[name], copied))
            start = end
    return devices, found


def references(problem: ExpertProblem, solution: ExpertSolution) -> list[tuple[str, float]]:
    """Return the mean load of the devices, and the bound and the limit of the largest load.

    A bound is left out where it says no more than the mean.
    """
    mean = sum(expert.load for expert in problem.experts) / len(problem.devices)
    found = [("mean", mean)]
    for tier in solution.tiers:
        if tier.name == "load" and tier.bound is not None:
            least = tier.bound / LOAD_SCALE
            # The bound is rounded up to thousandths.
            found += [("bound", least)] if least - mean >= 1 / LOAD_SCALE else []
    if problem.max_load is not None:
        found.append(("limit", problem.max_load))
    return found


def draw(problem: ExpertProblem, solution: ExpertSolution, figure: Figure) -> None:
    """Draw a solution, which may be without fillings.

    A row for each device, the most loaded first: its experts side by side, in the second colour
    those that are copied to it. Dashed lines are the mean, and the bound and the limit of the
    largest load where there are.
    """
    devices, found = shares(problem, solution)
    figure.set_size_inches(9.0, min(12.0, 1.9 + 0.28 * len(devices)))
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    for state, name in enumerate(STATES):
        if not (some := [share for share in found if share.copied is bool(state)]):
            continue
        ax.barh(
            [share.row for share in some],
            [share.end - share.start for share in some],
            left=[share.start for share in some],
            color=series_colour(state),
            edgecolor="#ffffff",
            linewidth=0.5,
            height=0.8,
            label=name,
        )
    for place, (name, value) in enumerate(references(problem, solution)):
        colour = LATE if place else INK
        ax.axvline(value, color=colour, linewidth=1.2, linestyle="--", label=f"{name} {value:,.6g}")
    name_rows(ax, devices, "device, the most loaded first")
    ax.set_xlabel("load")
    ax.margins(y=0.02)
    legend_beside(ax)
