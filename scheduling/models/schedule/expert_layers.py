"""Layers of experts that a CPU and a GPU share, with a link between them, as schedules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from scheduling.models.base import one_tier
from scheduling.models.schedule.builder import ScheduleModel
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduledTask, ScheduleSolution

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

CPU, LINK, GPU = "cpu", "link", "gpu"
_ON_GPU, _ON_CPU = 0, 1
_TRIALS = 24
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class HybridLayer:
    """The experts of one layer that have tokens; times are integers of one unit.

    Attributes
    ----------
    cpu, gpu
        Time of each expert on the CPU, and on the GPU once its weights are there.
    load
        Time in which the link brings its weights to the GPU; 0: they are there.
    """

    cpu: Ints
    gpu: Ints
    load: Ints

    @property
    def cached(self) -> Flags:
        """Experts whose weights are on the GPU."""
        return np.asarray(self.load == 0)

    def problem(self, name: str = "hybrid layer") -> ScheduleProblem:
        """State the layer: each expert runs on the CPU, or is loaded where needed and runs there.

        The makespan is that of three machines: the link brings weights, the GPU runs an expert
        once its weights are there, and the CPU works beside.
        """
        model = ScheduleModel(name)
        for machine in (CPU, LINK, GPU):
            model.add_machine(machine)
        rows = zip(self.cpu.tolist(), self.gpu.tolist(), self.load.tolist(), strict=True)
        for number, (cpu, gpu, load) in enumerate(rows):
            job = model.add_job(f"expert {number}", chain=True)
            if load:
                model.add_task(job, duration=load, machine=LINK, name=f"load {number}")
                model.add_mode(f"load {number}", duration=0)
            model.add_task(job, duration=gpu, machine=GPU, name=f"run {number}")
            model.add_mode(f"run {number}", duration=cpu, machine=CPU)
            if load:
                for mode in (_ON_GPU, _ON_CPU):
                    model.add_mode_rule(f"load {number}", mode, f"run {number}", [mode])
        return model.build()

    def order(self, on_gpu: Flags) -> list[int]:
        """Return the experts of the GPU in the order of Johnson's rule, best for a given choice.

        Source: Johnson, "Optimal two- and three-stage production schedules with setup times
        included", Naval Research Logistics Quarterly 1, 1954.
        """
        chosen = np.flatnonzero(on_gpu)
        first = chosen[self.load[chosen] <= self.gpu[chosen]]
        last = chosen[self.load[chosen] > self.gpu[chosen]]
        ahead = first[np.argsort(self.load[first], kind="stable")]
        behind = last[np.argsort(-self.gpu[last], kind="stable")]
        return [*ahead.tolist(), *behind.tolist()]

    def makespan(self, on_gpu: Flags) -> int:
        """Time of the layer when these experts run on the GPU and the others on the CPU."""
        link = gpu = 0
        for number in self.order(on_gpu):
            link += int(self.load[number])
            gpu = max(gpu, link) + int(self.gpu[number])
        return max(gpu, int(self.cpu[~on_gpu].sum()))

    def bound(self) -> int:
        """Lower bound of the makespan: a Lagrangian relaxation, and the longest expert.

        With weights a + b + c = 1 of CPU, GPU and link, the makespan is at least
        ``sum_e min(a cpu_e, b gpu_e + c load_e)``, as each machine works no longer than it. The
        best weights give the linear program's value; they are found by two nested searches.
        """
        longest = int(np.minimum(self.cpu, self.gpu + self.load).max(initial=0))

        def value(cpu: float, share: float) -> float:
            beside = (1.0 - cpu) * (share * self.gpu + (1.0 - share) * self.load)
            return float(np.minimum(cpu * self.cpu, beside).sum())

        best = _largest(lambda cpu: _largest(lambda share: value(cpu, share)))
        return max(longest, ceil(best * (1 - _ROUNDING) - _ROUNDING))

    def schedule(self, on_gpu: Flags) -> ScheduleSolution:
        """Return the schedule of a choice, with the bound."""
        link = gpu = cpu = 0
        tasks = []
        for number in self.order(on_gpu):
            load, run = int(self.load[number]), int(self.gpu[number])
            if load:
                tasks.append(
                    ScheduledTask(task=f"load {number}", mode=_ON_GPU, start=link, end=link + load)
                )
            link += load
            start = max(gpu, link)
            gpu = start + run
            tasks.append(ScheduledTask(task=f"run {number}", mode=_ON_GPU, start=start, end=gpu))
        for number in np.flatnonzero(~on_gpu).tolist():
            if self.load[number]:
                tasks.append(ScheduledTask(task=f"load {number}", mode=_ON_CPU, start=0, end=0))
            end = cpu + int(self.cpu[number])
            tasks.append(ScheduledTask(task=f"run {number}", mode=_ON_CPU, start=cpu, end=end))
            cpu = end
        certificate = one_tier("makespan", max(gpu, cpu), self.bound())
        return ScheduleSolution(tasks=tuple(tasks), **certificate)


def _largest(function: Callable[[float], float]) -> float:
    """Return the largest value that a search finds of a concave function on [0, 1]."""
    low, high, best = 0.0, 1.0, 0.0
    for _ in range(_TRIALS):
        left, right = low + 0.382 * (high - low), low + 0.618 * (high - low)
        at_left, at_right = function(left), function(right)
        best = max(best, at_left, at_right)
        low, high = (left, high) if at_left < at_right else (low, right)
    return best
