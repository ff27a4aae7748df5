"""Harmonia and LSM-GNN: data placed and moved over fast and slow storage, by how hot they are.

Hybrid storage has a small fast device and a large slow one. Harmonia decides where data are placed
and when they are moved; the hybrid cache of LSM-GNN holds the features of graph nodes that are
sampled most. Here time goes by in epochs, data move beside the accesses, and the placement over all
epochs is certified; the rules that move data by the last epoch's accesses are solutions of it.

Known by their abstracts; inferred: seeded accesses with a popularity that drifts, and bandwidths of
an NVMe disk and of a hard disk.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.base import Status, one_tier
from scheduling.models.tiers.check import check_tiers
from scheduling.models.tiers.problem import Tensor, TieredProblem, TierMemory, Use
from scheduling.models.tiers.solution import Residence, TieredSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve
from scheduling.solvers.tiers.family import CompiledTiers

_EXTENTS, _EPOCHS = 24, 10
_SIZE = 100
_FAST, _SLOW, _LINK = 2000, 200, 200
"""MiB a second of both devices and of moving."""

_ROOM = 6
_ACCESSES = 12_000


def epochs(drift: float, seed: int) -> TieredProblem:
    """Draw the accesses of extents over epochs; their home is the slow device."""
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0.0, 1.5, _EXTENTS)
    counts = np.zeros((_EXTENTS, _EPOCHS), int)
    for epoch in range(_EPOCHS):
        counts[:, epoch] = rng.multinomial(_ACCESSES, weight / weight.sum())
        weight = weight * rng.lognormal(0.0, drift, _EXTENTS)
    tensors = tuple(
        Tensor(
            id=f"extent {number}",
            size=_SIZE,
            home="slow",
            uses=tuple(Use(step=e, bytes=int(c)) for e, c in enumerate(row) if c),
        )
        for number, row in enumerate(counts)
    )
    return TieredProblem(
        name=f"harmonia-{drift:g}",
        memories=(
            TierMemory(id="fast", bandwidth=_FAST, capacity=_ROOM * _SIZE),
            TierMemory(id="slow", bandwidth=_SLOW),
        ),
        compute=(0,) * _EPOCHS,
        tensors=tensors,
        link=_LINK,
    )


def follows(problem: TieredProblem, *, moves: bool) -> TieredSolution:
    """Place what the epochs before used most; with ``moves`` change it where that pays.

    The rule sees epoch t when it is over. Data copied beside epoch t + 1 are there from t + 2 on;
    what leaves gives room in the epoch in which its place is taken. Without moves the first
    choice stays. A change costs the accesses of what leaves in that epoch, and brings the
    difference in each epoch after; popularity is taken to last as long as it has been seen for.
    """
    used = {t.id: {use.step: use.bytes for use in t.uses} for t in problem.tensors}
    held: list[frozenset[str]] = [frozenset(), frozenset()]
    summed = dict.fromkeys(used, 0.0)
    for epoch in range(len(problem.compute) - 2):
        for name, row in used.items():
            summed[name] = 0.5 * summed[name] + row.get(epoch, 0)
        hottest = sorted(summed, key=lambda name: (-summed[name], name))
        if not held[-1]:
            held.append(frozenset(hottest[:_ROOM]))
        elif moves:
            lasting = min(epoch + 1, len(problem.compute) - epoch - 2)
            held.append(_changed(held[-1], hottest, summed, lasting))
        else:
            held.append(held[-1])
    return _residences(problem, held)


def _changed(
    held: frozenset[str], hottest: list[str], summed: dict[str, float], epochs: int
) -> frozenset[str]:
    """Exchange the coldest of what is held for the hottest else while so many epochs repay it."""
    leaving = [name for name in reversed(hottest) if name in held]
    coming = [name for name in hottest if name not in held]
    found = set(held)
    for old, new in zip(leaving, coming, strict=False):
        if (summed[new] - summed[old]) * epochs <= summed[old]:
            break
        found ^= {old, new}
    return frozenset(found)


def _residences(problem: TieredProblem, held: list[frozenset[str]]) -> TieredSolution:
    """Translate what is on the fast device in each epoch; a place is free before it is taken."""
    kept = [set(names) for names in held]
    for epoch in range(1, len(kept)):
        arriving = kept[epoch] - kept[epoch - 1]
        # What is copied in takes room in the epoch before: what leaves has left by then.
        leaving = sorted(kept[epoch - 1] - kept[epoch])
        over = len(kept[epoch - 1]) + len(arriving) - _ROOM
        kept[epoch - 1] -= set(leaving[: max(0, over)])
    found = []
    for tensor in problem.tensors:
        since = None
        for epoch in range(len(kept) + 1):
            there = epoch < len(kept) and tensor.id in kept[epoch]
            if there and since is None:
                since = epoch
            elif not there and since is not None:
                found.append(Residence(tensor=tensor.id, memory="fast", since=since, until=epoch))
                since = None
    return TieredSolution(status=Status.UNKNOWN, residences=tuple(found))


def timed(problem: TieredProblem, rule: TieredSolution, bound: int) -> TieredSolution:
    """Add value and bound to a rule's placement, and check it."""
    data = CompiledTiers(problem)
    candidate = data.candidate(rule)
    if candidate is None:
        raise AssertionError("a rule's placement is not valid")
    value = data.values(candidate)[0]
    answer = data.answer(candidate, one_tier("time", value, bound))
    violations = check_tiers(problem, answer)
    if violations:
        raise AssertionError(f"a rule's placement failed the check: {violations[0]}")
    return answer


def run(limits: Run) -> list[Row]:
    """Place data whose popularity drifts slowly and fast."""
    return [_row(drift, limits.seconds / 2) for drift in (0.1, 0.8)]


def _row(drift: float, seconds: float) -> Row:
    problem = epochs(drift, seed=1)
    best: TieredSolution = solve(problem, time_limit=seconds)
    bound = int(best.bound or 0)
    stays = timed(problem, follows(problem, moves=False), bound)
    moving = timed(problem, follows(problem, moves=True), bound)
    return Row(
        case=f"{_EXTENTS} extents, {_EPOCHS} epochs, drift {drift:g}",
        measure="seconds of all epochs",
        baseline="first choice stays",
        baseline_value=float(stays.objective or 0),
        method="moved by the accesses so far",
        value=float(moving.objective or 0),
        gap=moving.gap,
        published=None,
        verdict=f"at best {best.objective}" + ("" if best.gap == 0 else ", not proven"),
    )


SCENARIO = Scenario(
    name="harmonia",
    system="Harmonia: placement and migration in hybrid storage; LSM-GNN (known by abstracts)",
    problem="data on tiers of storage with migrations",
    wants="nothing: seeded accesses",
    run=run,
    targets=(
        Target(
            ("first choice stays",),
            at_most=1,
            otherwise="with little drift, moves by past accesses cost more than they bring",
        ),
    ),
)
