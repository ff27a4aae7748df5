"""AsyncFlow: post-training as a stream of micro-batches with weights that may be one step behind.

Steps of rollout, reference, reward and update on machines of their own; rollouts vary. The baseline
separates the stages of a step and starts it with the weights of the one before. The order in which
micro-batches come is AsyncFlow's rule; the bound is that of the best order of all.
"""

from __future__ import annotations

from scheduling.instances.schedule.training import post_training
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.simulator.schedule.simulate import PolicyRun, simulate_schedule

_STEPS, _BATCHES = 4, 4
_WORK = 0.5
_RULE = "FIFO"
_STALENESS = (0, 1, 2)
_PUBLISHED = "1.59 x the throughput on average (arXiv 2507.01663)"


def streamed(staleness: int, *, streams: int = 1) -> PolicyRun:
    """Run micro-batches in the order in which they come.

    Parameters
    ----------
    staleness, streams
        As of :func:`~scheduling.instances.schedule.training.post_training`.
    """
    problem = post_training(
        iterations=_STEPS, batches=_BATCHES, staleness=staleness, streams=streams, deviation=0.5
    )
    return simulate_schedule(problem, _RULE, work_limit=_WORK, workers=1).runs[0]


def run(limits: Run) -> list[Row]:  # noqa: ARG001 - takes seconds
    """Compare the rule at each staleness with separated stages."""
    base = float(streamed(0, streams=0).solution.objective or 0)
    rows = []
    for staleness in _STALENESS:
        found = streamed(staleness).solution
        value = float(found.objective or 0)
        rows.append(
            Row(
                case=f"{_STEPS} steps of {_BATCHES} micro-batches, four stages",
                measure="makespan",
                baseline="stages one after the other, weights of the step before",
                baseline_value=base,
                method=f"streaming, {staleness} steps behind",
                value=value,
                gap=found.gap,
                published=_PUBLISHED,
                verdict=f"{base / value:.2f} x the throughput",
            )
        )
    return rows


SCENARIO = Scenario(
    name="asyncflow",
    system="AsyncFlow: asynchronous streaming post-training (arXiv 2507.01663)",
    problem="rollout and training as a flow shop with stale weights",
    wants="nothing: steps with random rollouts",
    run=run,
    targets=(Target(("streaming, 1 steps behind",), at_most=1 / 1.59),),
)
