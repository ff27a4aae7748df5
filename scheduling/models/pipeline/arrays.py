"""Pipelines as whole numbers, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from scheduling.models.exact import whole
from scheduling.models.pipeline.problem import PipelineProblem


class Cut(NamedTuple):
    """A cut of the layers: ranges ``(first, end)``.

    Parameters
    ----------
    forward
        Stages of forward passes alone, in order.
    fused
        The layers whose passes the first backward stage does both.
    backward
        The other backward stages, from the last layers to the first.
    """

    forward: tuple[tuple[int, int], ...]
    fused: tuple[int, int]
    backward: tuple[tuple[int, int], ...]

    @property
    def number(self) -> int:
        """Number of stages."""
        return len(self.forward) + 1 + len(self.backward)


@dataclass(frozen=True, eq=False)
class PipelineArrays:
    """Sums over the first layers, entry k over k of them.

    Attributes
    ----------
    gpus
        Number of GPUs.
    forward, backward
        Of times, in ``unit`` seconds.
    memory
        Of memory, in a unit of its own.
    room
        Memory of a GPU; the sum of all without a limit.
    slowest
        The longest pass of a layer, and both of the last one, which always are in one stage.
    unit
        Seconds.
    """

    gpus: int
    forward: list[int]
    backward: list[int]
    memory: list[int]
    room: int
    slowest: int
    unit: Fraction

    @property
    def total(self) -> int:
        """Time of all passes."""
        return self.forward[-1] + self.backward[-1]

    def longest(self, cut: Cut) -> int:
        """Time of the longest stage."""
        forward, backward = self.forward, self.backward
        first, end = cut.fused
        both = forward[end] - forward[first] + backward[end] - backward[first]
        times = [forward[b] - forward[a] for a, b in cut.forward]
        times += [backward[b] - backward[a] for a, b in cut.backward]
        return max(both, *times) if times else both

    def cost(self, cut: Cut) -> int:
        """Time of a step."""
        return max(cut.number, self.gpus) * self.longest(cut)


def compile_pipeline(problem: PipelineProblem) -> PipelineArrays:
    """Translate a problem into sums."""
    layers = problem.layers
    count = len(layers)
    forward = [layer.forward_seconds for layer in layers]
    times, unit = whole([*forward, *(layer.backward_seconds for layer in layers)])
    limit = [] if problem.gigabytes is None else [problem.gigabytes]
    sizes, _ = whole([*(layer.gigabytes for layer in layers), *limit])
    return PipelineArrays(
        gpus=problem.gpus,
        forward=list(accumulate(times[:count], initial=0)),
        backward=list(accumulate(times[count:], initial=0)),
        memory=list(accumulate(sizes[:count], initial=0)),
        room=sizes[count] if limit else sum(sizes),
        slowest=max(*times, times[count - 1] + times[-1]),
        unit=unit,
    )
