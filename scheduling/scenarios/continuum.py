"""Continuum (arXiv 2511.02230): prefixes of agents are held while their tools run.

How long is worth it follows from past durations of the tool: the time that saves most beyond what
it costs. The rule is tried against enumeration on random durations, and the whole policy, as
published and as released, beside vLLM's prefix cache on coding agents, where memory is scarce and
where it is scarcer. Programs are drawn with the published means; the bound is every program alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scheduling.scenarios.agent_fleets import CODER, Pressure, fleet, program_row, run_policies
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.requests.policies.continuum import best_ttl

PRESSURES = (Pressure(60_000, 0.5), Pressure(130_000, 0.3))

_SAMPLES = 1000
_PUBLISHED = "delay 1.12 to 3.66 times lower than vLLM 0.10.2"


def worth(durations: Sequence[float], gain: float, time: float) -> float:
    """Return what holding a prefix for a time is worth: ``P(time) * gain - time``."""
    return sum(other <= time for other in durations) / len(durations) * gain - time


def regret(samples: int, seed: int = 0) -> float:
    """Return the largest worth that the rule misses against trying all times."""
    rng = np.random.default_rng(seed)
    worst = 0.0
    for _ in range(samples):
        durations = sorted(rng.lognormal(0.0, 1.5, int(rng.integers(1, 30))).tolist())
        gain = float(rng.uniform(0, 10))
        best = max(worth(durations, gain, time) for time in (0.0, *durations))
        worst = max(worst, best - worth(durations, gain, best_ttl(durations, gain)))
    return worst


def run(limits: Run) -> list[Row]:
    """Try the rule, then run the policies under both pressures."""
    missed = regret(_SAMPLES)
    rows = [
        Row(
            case=f"{_SAMPLES} random sets of durations",
            measure="largest worth that is missed, in seconds",
            baseline="enumeration",
            baseline_value=None,
            method="the published rule",
            value=missed,
            gap=None,
            published=None,
            verdict="equal to enumeration" if missed <= 1e-12 else "not the best time",
        )
    ]
    for number, pressure in limits.each(enumerate(PRESSURES, start=1)):
        names = ("apc", "continuum-paper", "continuum-public")
        found = run_policies(fleet([CODER], pressure), names, (1,))
        case = (
            f"120 coding agents, {pressure.rate:g}/s, {pressure.kv_tokens:,} KV tokens, pressure "
            f"{number} of {len(PRESSURES)}"
        )
        rows += [program_row(case, found, "apc", name, _PUBLISHED) for name in names[1:]]
    return rows


SCENARIO = Scenario(
    name="continuum",
    system="Continuum: KV caches with a time to live for agents (arXiv 2511.02230)",
    problem="time that KV caches of agents are kept",
    wants="nothing: agents are drawn",
    run=run,
    targets=(
        Target(("largest worth",), of="value", at_most=1e-12),
        Target(("mean seconds of a program",), at_least=1 / 3.66, at_most=1 / 1.12, better="less"),
    ),
)
