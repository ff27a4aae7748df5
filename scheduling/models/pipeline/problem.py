"""Layers of a model, cut into stages that GPUs take in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Problem

if TYPE_CHECKING:
    from scheduling.models.pipeline.solution import PipelineSolution

Seconds = Annotated[float, Field(gt=0, le=10**6)]


class Layer(Frozen):
    """A layer: the time of a micro-batch in each pass, and what it takes of a GPU's memory."""

    forward_seconds: Seconds
    backward_seconds: Seconds = Field(description="With its forward pass computed again, if it is.")
    gigabytes: Annotated[float, Field(ge=0, le=10**6)] = 0.0


class PipelineProblem(Problem):
    """Cut layers into contiguous stages so that ``max(stages, GPUs) * longest stage`` is least.

    Stages of forward passes come first, then those of backward passes from the last layer on. The
    first backward stage does the forward passes of its layers as well (RoundPipe).
    Any GPU can run any stage: they take them in turn, and what a step takes is the number of
    stages, at least one a GPU, times the longest. Numbers count as they are written in decimals.

    Source: RoundPipe, github.com/ITcarrot/RoundPipe.

    Raises
    ------
    InputError
        With every layer that fits on no GPU.
    """

    kind: Literal["pipeline"] = "pipeline"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> PipelineSolution: ...

    gpus: Annotated[int, Field(ge=1, le=10**5)]
    gigabytes: Annotated[float, Field(gt=0, le=10**6)] | None = Field(
        default=None, description="Memory that the layers of a stage may take; none: no limit."
    )
    layers: Annotated[Many[Layer], Field(min_length=1, max_length=10**4)]

    def _faults(self) -> list[Fault]:
        room = self.gigabytes
        return [
            Fault(f"layers[{number}].gigabytes", f"{layer.gigabytes:g}", f"at most {room:g}")
            for number, layer in enumerate(self.layers)
            if room is not None and layer.gigabytes > room
        ]
