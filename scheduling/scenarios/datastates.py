"""DataStates-LLM: lazy copies of the training state while nothing changes it.

Known by its abstract: during the forward and the backward pass the parameters and the optimizer's
state do not change, so that they are copied to the host beside the passes, and training stands
still only for what has not been copied when the update begins. From the host they are flushed to
disk beside further iterations, which sets how soon the next checkpoint may follow. A step of the
problem of kind ``checkpoint`` is an iteration, a copy ends with its flush, and all of it but the
stall is hidden: the least waste over all intervals that the flush allows.

Inferred: a 70B model on 256 GPUs (0.98 TB of state with the optimizer), 20 GB/s from each GPU to
its host, 1.2 GB/s from each of 64 hosts to disk, iterations of 20 s of which the update takes 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from scheduling.models.base import relative_gap
from scheduling.models.checkpoint.problem import CheckpointLevel, CheckpointProblem
from scheduling.models.checkpoint.waste import best_plan, expected_waste
from scheduling.scenarios.scenario import Row, Run, Scenario, Target

_GIGA = 1e9


@dataclass(frozen=True, slots=True)
class Training:
    """What a checkpoint meets.

    Parameters
    ----------
    state
        Bytes to save.
    to_host, to_disk
        Bytes a second of all GPUs to their hosts and of all hosts to disk.
    iteration, update
        Seconds of an iteration, and of the update in it, which changes the state.
    failures
        A second.
    """

    state: float
    to_host: float
    to_disk: float
    iteration: float
    update: float
    failures: float

    @property
    def synchronous(self) -> float:
        """Seconds of stall when training waits for the disk."""
        return self.state / self.to_disk

    @property
    def snapshot(self) -> float:
        """Seconds of stall when it waits for the copy to the hosts."""
        return self.state / self.to_host

    @property
    def lazy(self) -> float:
        """Seconds of stall when the copy runs beside the passes."""
        return max(0.0, self.snapshot - (self.iteration - self.update))

    def problem(self, stall: float) -> CheckpointProblem:
        """Return when to take copies of which each stalls training for so long."""
        copy = CheckpointLevel(
            id="disk",
            copy_seconds=self.synchronous,
            hidden_seconds=self.synchronous - stall,
            restart_seconds=300.0,
        )
        return CheckpointProblem(
            step_seconds=self.iteration,
            mean_seconds_between_failures=1.0 / self.failures,
            levels=(copy,),
        )


SMALL = Training(0.98e12, 256 * 20 * _GIGA, 64 * 1.2 * _GIGA, 20.0, 1.5, 2.5e-5)
"""A 70B model on 256 GPUs."""

LARGE = Training(24.5e12, 256 * 4 * _GIGA, 64 * 1.2 * _GIGA, 20.0, 1.5, 2.5e-5)
"""States of 24.5 TB over slower links, whose copy takes longer than the passes."""


def run(limits: Run) -> list[Row]:
    """Compare waiting for the disk, waiting for the copy, and lazy copies."""
    del limits
    return [row for training in (SMALL, LARGE) for row in _rows(training)]


def _rows(training: Training) -> list[Row]:
    case = f"{training.state / 1e12:.2f} TB, iterations of {training.iteration:g} s"
    waiting, lazy = training.problem(training.synchronous), training.problem(training.lazy)
    free = training.problem(0.0)
    slow, often = best_plan(waiting), best_plan(lazy)
    value = expected_waste(lazy, often)
    return [
        Row(
            case=case,
            measure="stall of a checkpoint, seconds",
            baseline="waits for the disk",
            baseline_value=training.synchronous,
            method="lazy copy",
            value=training.lazy,
            gap=None,
            published="up to 48 times faster checkpoints on 180 GPUs",
            verdict=f"waiting for the copy alone: {training.snapshot:.2f} s",
        ),
        Row(
            case=case,
            measure="time wasted, share of the time, at the best interval",
            baseline=f"waits for the disk, every {slow.steps} iterations",
            baseline_value=expected_waste(waiting, slow),
            method=f"lazy copy, every {often.steps} iterations",
            value=value,
            gap=relative_gap(value, expected_waste(free, best_plan(free))),
            published="up to 2.2 times faster end to end",
            verdict=f"the flush takes {lazy.least_steps} iterations",
        ),
    ]


SCENARIO = Scenario(
    name="datastates",
    system="DataStates-LLM: lazy asynchronous checkpoints (two papers, known by their abstracts)",
    problem="interval of lazy copies under failures",
    wants="nothing: rates as stated",
    run=run,
    targets=(
        Target(("stall of a checkpoint",), at_least=1 / 48, at_most=1, better="less"),
        Target(("time wasted",), at_least=1 / 2.2, at_most=1, better="less"),
    ),
)
