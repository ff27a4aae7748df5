"""Bound of a pipeline's step by formula."""

from __future__ import annotations

from scheduling.models.pipeline.arrays import PipelineArrays


def step_bound(arrays: PipelineArrays) -> int:
    """Return a time that no step is below.

    All passes lie in stages no longer than the longest, and no stage is shorter than a pass of a
    layer, or than both of the last layer.
    """
    return max(arrays.total, arrays.gpus * arrays.slowest)
