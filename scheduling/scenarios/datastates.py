"""DataStates-LLM: lazy copies of the training state while nothing changes it.

Known by its abstract: during the forward and the backward pass the parameters and the optimizer's
state do not change, so that they are copied to the host beside the passes, and training stands
still only for what has not been copied when the update begins. From the host they are flushed to
disk beside further iterations, which sets how soon the next checkpoint may follow. The least waste
over all intervals of whole iterations that the flush allows is found by trying all of them.

Inferred: a 70B model on 256 GPUs (0.98 TB of state with the optimizer), 20 GB/s from each GPU to
its host, 1.2 GB/s from each of 64 hosts to disk, iterations of 20 s of which the update takes 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from scheduling.scenarios.checkpointing import Machine, Pattern, waste, young_daly
from scheduling.scenarios.scenario import Row, Run, Scenario

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

    @property
    def least(self) -> int:
        """Iterations that a flush takes, before which no further copy may begin."""
        return max(1, -int(-self.synchronous // self.iteration))


SMALL = Training(0.98e12, 256 * 20 * _GIGA, 64 * 1.2 * _GIGA, 20.0, 1.5, 2.5e-5)
"""A 70B model on 256 GPUs."""

LARGE = Training(24.5e12, 256 * 4 * _GIGA, 64 * 1.2 * _GIGA, 20.0, 1.5, 2.5e-5)
"""States of 24.5 TB over slower links, whose copy takes longer than the passes."""


def machine(training: Training, stall: float) -> Machine:
    """Return what checkpoints take that stall for so long."""
    return Machine(0.0, training.failures, 0.0, stall, 0.0, 300.0)


def best_iterations(training: Training, stall: float, least: int) -> tuple[int, float]:
    """Return the number of iterations between checkpoints that wastes least, and its waste."""
    found = machine(training, stall)
    choices = range(least, max(least + 1, round(10 * young_daly(found).work / training.iteration)))
    return min(
        ((count, waste(found, Pattern(1, count * training.iteration))) for count in choices),
        key=lambda pair: pair[1],
    )


def run(limits: Run) -> list[Row]:
    """Compare waiting for the disk, waiting for the copy, and lazy copies."""
    del limits
    return [row for training in (SMALL, LARGE) for row in _rows(training)]


def _rows(training: Training) -> list[Row]:
    case = f"{training.state / 1e12:.2f} TB, iterations of {training.iteration:g} s"
    lazy = training.lazy or 1e-3
    count, value = best_iterations(training, lazy, training.least)
    slow, base = best_iterations(training, training.synchronous, 1)
    _, free = best_iterations(training, 1e-3, training.least)
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
            measure="time wasted, share of the work, at the best interval",
            baseline=f"waits for the disk, every {slow} iterations",
            baseline_value=base,
            method=f"lazy copy, every {count} iterations",
            value=value,
            gap=1.0 - free / value,
            published="up to 2.2 times faster end to end",
            verdict=f"the flush takes {training.least} iterations",
        ),
    ]


SCENARIO = Scenario(
    name="datastates",
    system="DataStates-LLM: lazy asynchronous checkpoints (two papers, known by their abstracts)",
    wants="nothing: rates as stated",
    run=run,
)
