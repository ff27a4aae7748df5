"""ByteScale: each sequence on just as many ranks as it needs, longest first.

Lengths with the published tail: four of five samples below 4,000 tokens, one in 2,000 with a
hundred times as many. Plain data parallelism deals sequences to ranks by count. Hybrid data
parallelism gives each as many ranks as its memory needs, the longest first; the rule and the bound
are those of the family of schedules, of which the step is one: tasks on several ranks at once.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from scheduling.instances.schedule.training import groups_of
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_RANKS, _CHUNK = 64, 8192
_SEQUENCES = 4000
_LONG_SHARE, _LONG = 0.0005, 262_144
_SEEDS = 2
_PUBLISHED = "2.01 to 3.89 x by parts, at most 7.89 x (arXiv 2502.21231)"


def lengths(seed: int) -> list[int]:
    """Draw lengths with the published tail.

    Parameters
    ----------
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = np.rint(1500 * rng.lognormal(0.0, 1.15, _SEQUENCES))
    found = np.clip(drawn, 16, 32 * 1024)
    found[: ceil(_LONG_SHARE * _SEQUENCES)] = _LONG
    return [int(length) for length in found]


def dealt(found: list[int]) -> tuple[float, float]:
    """Return the largest and the mean load when sequences are dealt to ranks by count.

    Parameters
    ----------
    found
        Lengths; each lies on one rank, as if memory did not matter.
    """
    work = [length + length**2 / (4 * _CHUNK) for length in found]
    return max(sum(work[rank::_RANKS]) for rank in range(_RANKS)), sum(work) / _RANKS


def run(limits: Run) -> list[Row]:
    """Compare dealing by count with hybrid groups."""
    rows = []
    for seed in range(_SEEDS):
        found = lengths(seed)
        static, ideal = dealt(found)
        problem = groups_of(found, _RANKS, _CHUNK)
        answer: ScheduleSolution = solve(problem, "sgs", time_limit=max(2.0, limits.left / 2))
        value = float(answer.objective or 0)
        rows.append(
            Row(
                case=f"{_SEQUENCES} sequences on {_RANKS} ranks, seed {seed}",
                measure="time of a step over the mean load of ranks",
                baseline="a rank for each sequence, dealt by count",
                baseline_value=static / ideal,
                method="groups of the ranks that each needs, longest first",
                value=value / ideal,
                gap=answer.gap,
                published=_PUBLISHED,
                verdict=f"{static / value:.2f} x the throughput",
            )
        )
    return rows


SCENARIO = Scenario(
    name="bytescale",
    system="ByteScale: hybrid data parallelism for sequences of any length (arXiv 2502.21231)",
    problem="sequences on groups of ranks, least time of a step",
    wants="nothing: lengths with the published tail",
    run=run,
    targets=(
        Target(("time of a step",), at_least=1 / 7.89, at_most=1 / 2.01, better="less"),
        Target(("time of a step",), of="value", at_most=1.05),
    ),
)
