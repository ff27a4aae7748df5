"""Expert load balancing: the published rule of EPLB beside the certified optimum.

DeepSeek's EPLB copies busy experts and packs the copies on GPUs; "Barbarians at the Gate"
(arXiv 2510.06189) lets a language model evolve it and scores how even the loads of the *next*
window are, and how fast the plan is made. Here both problems, global and hierarchical, are solved
with a bound, and a third one is added: a plan for the next window that is as even as EPLB's and
copies as few experts as possible.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.instances.experts.random_layers import layer
from scheduling.models.experts.check import device_loads, fillings_of
from scheduling.models.experts.problem import LOAD_SCALE, ExpertProblem
from scheduling.models.experts.solution import ExpertSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_FILE = "eplb/instances.json"
_LEAST_SECONDS = 0.3
_HIERARCHY = "hierarchical"
_GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the data set: its problems by window, and its name."""

    name: str
    hierarchical: bool
    windows: tuple[ExpertProblem, ...]

    @property
    def kind(self) -> str:
        """Which of the two problems it is."""
        return _HIERARCHY if self.hierarchical else _GLOBAL


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one layer, for EPLB's rule and for ``auto``.

    Attributes
    ----------
    largest
        Largest load over the mean load.
    next
        Mean over largest load of the next window under the plan of this one; ``None`` without one.
    seconds
        Of planning.
    gap
        Of ``auto``'s answer.
    """

    kind: str
    largest: tuple[float, float]
    next: tuple[float, float] | None
    seconds: tuple[float, float]
    gap: float
    proven: bool


def layers(document: dict[str, Any]) -> Iterator[Layer]:
    """Yield the global and, where there is more than one node, the hierarchical problems."""
    for entry in document["instances"]:
        flat = entry["nodes"] == 1
        for hierarchical in (False,) if flat else (False, True):
            windows = tuple(
                layer(
                    entry["name"],
                    loads,
                    entry["gpus"],
                    entry["replicas"] // entry["gpus"],
                    entry["nodes"],
                    entry["groups"],
                    int(hierarchical),
                ).model_copy(update={"goals": ("load",)})
                for loads in entry["windows"]
            )
            yield Layer(entry["name"], hierarchical, windows)


def outcome(one: Layer, seconds: float) -> Outcome:
    """Plan the first window by the rule and by ``auto``, and score both."""
    problem = one.windows[0]
    began = time.monotonic()
    rule: ExpertSolution = solve(problem, "eplb", work_limit=1)
    middle = time.monotonic()
    best: ExpertSolution = solve(problem, time_limit=seconds)
    ended = time.monotonic()
    mean = sum(expert.load for expert in problem.experts) / len(problem.devices)
    later = None
    if len(one.windows) > 1:
        later = (_evenness(one.windows[1], rule), _evenness(one.windows[1], best))
    return Outcome(
        kind=one.kind,
        largest=(_largest(rule) / mean, _largest(best) / mean),
        next=later,
        seconds=(middle - began, ended - middle),
        gap=best.gap or 0.0,
        proven=best.gap == 0,
    )


def _largest(answer: ExpertSolution) -> float:
    return float(answer.tiers[0].objective or 0) / LOAD_SCALE


def _evenness(problem: ExpertProblem, plan: ExpertSolution) -> float:
    loads = device_loads(problem, fillings_of(plan)).values()
    return float(sum(loads) / len(loads) / max(loads))


def holding(problem: ExpertProblem, plan: ExpertSolution) -> ExpertProblem:
    """Return a problem whose devices hold the experts that a plan gave them."""
    held = {entry.device: tuple(sorted(set(entry.experts))) for entry in plan.fillings}
    devices = tuple(
        device.model_copy(update={"holds": held.get(device.id, ())}) for device in problem.devices
    )
    return problem.model_copy(update={"devices": devices})


def run(limits: Run) -> list[Row]:
    """Plan every layer, then plan the next windows with few copies."""
    document = json.loads(limits.file("eplb", _FILE).read_text(encoding="utf-8"))
    found = list(layers(document))
    share = max(_LEAST_SECONDS, 0.7 * limits.seconds / len(found))
    outcomes = [outcome(one, share) for one in found]
    rows: list[Row] = []
    for kind in (_GLOBAL, _HIERARCHY):
        rows += _rows(kind, [entry for entry in outcomes if entry.kind == kind])
    moving = [one for one in found if one.kind == _GLOBAL and len(one.windows) > 1]
    rows.append(_copies_row(moving, max(_LEAST_SECONDS, limits.left / len(moving))))
    return rows


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rows(kind: str, found: Sequence[Outcome]) -> list[Row]:
    scored = [entry.next for entry in found if entry.next is not None]
    rows = [
        Row(
            case=f"{len(found)} layers, {kind}",
            measure="largest over mean load of a GPU",
            baseline="EPLB's rule",
            baseline_value=_mean([entry.largest[0] for entry in found]),
            method="auto",
            value=_mean([entry.largest[1] for entry in found]),
            gap=max(entry.gap for entry in found),
            published="no figure; the rule is that of DeepSeek's release (deepseek-ai/EPLB)",
            verdict=f"{sum(entry.proven for entry in found)} proven",
        )
    ]
    if scored:
        rows.append(
            Row(
                case=f"{len(scored)} layers, {kind}, planned one window before",
                measure="mean over largest load in the next window",
                baseline="EPLB's rule",
                baseline_value=_mean([pair[0] for pair in scored]),
                method="auto",
                value=_mean([pair[1] for pair in scored]),
                gap=None,
                published="AI-found rebalancer: equal balance, 5.0 times faster",
                verdict=f"plans take {1000 * _mean([e.seconds[0] for e in found]):.1f} ms by the "
                f"rule, {_mean([e.seconds[1] for e in found]):.1f} s with proof",
            )
        )
    return rows


def _copies_row(found: Sequence[Layer], seconds: float) -> Row:
    """Replan for the second window: the rule from scratch against the fewest copies."""
    scratch = least = bound = 0
    for one in found:
        plan: ExpertSolution = solve(one.windows[0], "eplb", work_limit=1)
        again: ExpertSolution = solve(one.windows[1], "eplb", work_limit=1)
        problem = holding(one.windows[1], plan).model_copy(
            update={"goals": ("bytes",), "max_load": _largest(again)}
        )
        scratch += copied(problem, again)
        answer: ExpertSolution = solve(problem, time_limit=seconds)
        least += int(answer.objective or 0)
        bound += int(answer.bound or 0)
    return Row(
        case=f"{len(found)} layers, global, replanned for the next window",
        measure="experts copied to GPUs that lack them",
        baseline="EPLB's rule anew",
        baseline_value=float(scratch),
        method="auto, as even as EPLB's plan",
        value=float(least),
        gap=1.0 - bound / least if least else 0.0,
        published=None,
        verdict="the same balance for fewer copies",
    )


def copied(problem: ExpertProblem, plan: ExpertSolution) -> int:
    """Sum of the sizes of experts that a plan puts on devices that do not hold them."""
    size = {expert.id: expert.size for expert in problem.experts}
    held = {device.id: set(device.holds) for device in problem.devices}
    return sum(
        size[name] for entry in plan.fillings for name in set(entry.experts) - held[entry.device]
    )


SCENARIO = Scenario(
    name="eplb",
    system="EPLB, DeepSeek's expert load balancer; the rebalancer of Barbarians at the Gate",
    problem="replicas of experts on GPUs: balance and copies",
    wants=_FILE,
    run=run,
    targets=(
        Target(("largest over mean",), at_most=1),
        Target(
            ("in the next window",),
            at_least=0.98,
            otherwise="a plan for one window need not suit the next",
        ),
    ),
)
