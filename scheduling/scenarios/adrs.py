"""Tasks of "Barbarians at the Gate" (arXiv 2510.06189) beside load balancing.

Prism, models on GPUs, is here; transactions, orders of tables and spot capacity stand in modules of
their own.

In Prism each model has a size, a request rate and a latency objective. The pressure of a GPU is
the sum of rate over objective of its models, over the memory that they leave for the KV cache; the
largest pressure is to be least. Whether a pressure can be undercut is a placement problem with two
resources, so it is tightened to what was found until nothing is below it: an exact optimum.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

from scheduling.models.base import Status
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.scenarios import adrs_spot, adrs_tables, adrs_transactions
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.solvers.driver import solve

_FILE = "adrs_prism/instances.json"
_LEAST_SECONDS = 0.5
_ORDERS = 0.4
"""Share of the time for transactions."""

Placed = tuple[int, ...]
"""GPU of each model."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Equal GPUs and the models to place on them.

    Attributes
    ----------
    models
        Size in GB, request rate and latency objective of each.
    """

    name: str
    gpus: int
    memory: int
    models: tuple[tuple[int, int, int], ...]

    def pressure(self, placed: Placed) -> Fraction:
        """Largest pressure of a GPU."""
        worst = Fraction(0)
        for gpu in set(placed):
            mine = [model for model, where in zip(self.models, placed, strict=True) if where == gpu]
            free = self.memory - sum(size for size, _, _ in mine)
            worst = max(
                worst, sum((Fraction(rate, slo) for _, rate, slo in mine), Fraction(0)) / free
            )
        return worst

    @property
    def floor(self) -> Fraction:
        """Pressure of all models on one GPU with all the memory: no placement has less."""
        free = self.memory * self.gpus - sum(size for size, _, _ in self.models)
        return sum((Fraction(rate, slo) for _, rate, slo in self.models), Fraction(0)) / free


@dataclass(frozen=True, slots=True)
class Answer:
    """A placement, its pressure and what no placement undercuts."""

    placed: Placed
    pressure: Fraction
    bound: Fraction


def greedy(fleet: Fleet) -> Placed:
    """Place models by falling rate over objective, each on the GPU with the least pressure.

    Source: the start program of the benchmark.
    """
    order = sorted(
        range(len(fleet.models)), key=lambda k: -Fraction(fleet.models[k][1], fleet.models[k][2])
    )
    load = [Fraction(0)] * fleet.gpus
    free = [fleet.memory] * fleet.gpus
    placed = [0] * len(fleet.models)
    for number in order:
        size, rate, slo = fleet.models[number]
        fits = [gpu for gpu in range(fleet.gpus) if free[gpu] > size]
        pick = min(fits, key=lambda gpu: load[gpu] / free[gpu])
        placed[number] = pick
        load[pick] += Fraction(rate, slo)
        free[pick] -= size
    return tuple(placed)


def below(fleet: Fleet, pressure: Fraction) -> PlacementProblem:
    """State the problem of placing all models with every pressure below a given one.

    A GPU's pressure is below p exactly when the sum of ``rate / slo + p size`` over its models is
    below ``p memory``; both sides are multiplied to integers.
    """
    scale = lcm(*(slo for _, _, slo in fleet.models)) * pressure.denominator
    items = tuple(
        Item(
            id=f"model-{number}",
            demands={
                "memory": size,
                "pressure": int(scale * (Fraction(rate, slo) + pressure * size)),
            },
        )
        for number, (size, rate, slo) in enumerate(fleet.models)
    )
    room = {"memory": fleet.memory - 1, "pressure": int(scale * pressure * fleet.memory) - 1}
    nodes = tuple(Node(id=f"gpu-{number}", capacity=room) for number in range(fleet.gpus))
    return PlacementProblem(name=fleet.name, nodes=nodes, items=items, goals=())


def least_pressure(fleet: Fleet, seconds: float) -> Answer:
    """Tighten the greedy placement's pressure until nothing is below it or the time is over."""
    limits = Run(seconds)
    placed = greedy(fleet)
    while (left := limits.left) > 0:
        pressure = fleet.pressure(placed)
        answer: PlacementSolution = solve(below(fleet, pressure), time_limit=left)
        if answer.bound is not None and answer.bound > 0:
            return Answer(placed, pressure, pressure)
        if answer.status is not Status.OPTIMAL:
            break
        where = {entry.item: int(entry.node.removeprefix("gpu-")) for entry in answer.placements}
        placed = tuple(where[f"model-{number}"] for number in range(len(fleet.models)))
    return Answer(placed, fleet.pressure(placed), fleet.floor)


def fleets(document: dict[str, Any]) -> list[Fleet]:
    """Read the instances of the data set."""
    return [
        Fleet(
            entry["name"],
            entry["gpus"],
            entry["gpu_mem_gb"],
            tuple((size, rate, slo) for size, rate, slo in entry["models"]),
        )
        for entry in document["instances"]
    ]


def run(limits: Run) -> list[Row]:
    """Run the four tasks; Prism has the time that the others leave."""
    found = fleets(json.loads(limits.file("adrs", _FILE).read_text(encoding="utf-8")))
    others = [
        *adrs_transactions.rows(limits, _ORDERS * limits.seconds),
        adrs_tables.row(),
        *adrs_spot.rows(limits),
    ]
    answers = []
    for number, fleet in enumerate(found):
        share = limits.left / (len(found) - number)
        answers.append(least_pressure(fleet, max(_LEAST_SECONDS, share)))
    return [_row(found, answers), *others]


def _row(found: Sequence[Fleet], answers: Sequence[Answer]) -> Row:
    count = len(found)
    baseline = sum(float(fleet.pressure(greedy(fleet))) for fleet in found)
    proven = sum(answer.pressure == answer.bound for answer in answers)
    return Row(
        case=f"{count} fleets of Prism's generator",
        measure="largest KV-cache pressure of a GPU, mean",
        baseline="least current pressure first",
        baseline_value=baseline / count,
        method="auto, tightened",
        value=sum(float(answer.pressure) for answer in answers) / count,
        gap=max(float(1 - answer.bound / answer.pressure) for answer in answers),
        published="no figure for these fleets; the baseline is the benchmark's start program",
        verdict=f"{proven} of {count} proven optimal",
    )


SCENARIO = Scenario(
    name="adrs",
    system="Barbarians at the Gate: Prism, transactions, LLM-SQL, can't be late (arXiv 2510.06189)",
    problem="transactions, orders of table rows, models on GPUs, spot instances under a deadline",
    wants=f"{_FILE}, {', '.join(adrs_transactions.FILES)}, {adrs_spot.FILE}",
    run=run,
    targets=(
        Target(("KV-cache pressure",), at_least=0.75, at_most=0.9, better="less"),
        Target(("workload",), at_most=1),
        Target(("hours on demand", "^greedy$"), at_least=0.7, at_most=0.9, better="less"),
        Target(("squared lengths",), of="gap", at_most=0.2),
        Target(
            ("KV-cache pressure",),
            of="gap",
            at_most=0,
            otherwise="the time did not suffice to prove every fleet",
        ),
    ),
)
