"""RoundPipe: layers in stages that GPUs take in turn, and the best cap of a stage.

The released code looks for the longest stage within 1.1 times the slowest layer; here all caps are
tried, which is exact for its own cost. Layers are drawn with a heavy head at the end. A step of
several micro-batches a GPU shows how long GPUs wait.
"""

from __future__ import annotations

from statistics import fmean

import numpy as np

from scheduling.models.pipeline.dispatch import bubble
from scheduling.models.pipeline.problem import Layer, PipelineProblem
from scheduling.models.pipeline.solution import PipelineSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

_PROFILES = 25
_GPUS = 8
_BATCHES = 4
_PUBLISHED = "1.48 to 2.16 x on 8 RTX 4090"


def profile(seed: int) -> PipelineProblem:
    """Draw the layers of a model.

    Parameters
    ----------
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    count = int(rng.integers(32, 97))
    base = rng.uniform(0.9, 1.1, count)
    layers = [
        Layer(forward_seconds=float(value), backward_seconds=float(3.0 * value)) for value in base
    ]
    head = float(rng.uniform(0.5, 3.0))
    layers.append(Layer(forward_seconds=head, backward_seconds=2.0 * head))
    return PipelineProblem(name=f"profile-{seed}", gpus=_GPUS, layers=tuple(layers))


def run(limits: Run) -> list[Row]:  # noqa: ARG001 - takes seconds
    """Compare the window with all caps, and count the time that GPUs wait."""
    problems = [profile(seed) for seed in range(_PROFILES)]
    best: list[PipelineSolution] = [solve(problem, "caps", time_limit=10) for problem in problems]
    ratios = [
        solve(problem, "window", time_limit=10).objective / cut.objective
        for problem, cut in zip(problems, best, strict=True)
    ]
    waits = [
        bubble(problem, cut, _BATCHES * _GPUS) for problem, cut in zip(problems, best, strict=True)
    ]
    few = [bubble(problem, cut, _GPUS) for problem, cut in zip(problems, best, strict=True)]
    return [
        Row(
            case=f"{_PROFILES} profiles of 33 to 97 layers, {_GPUS} GPUs",
            measure="stages times longest stage, over the least",
            baseline="all caps",
            baseline_value=1.0,
            method="caps within 1.1 x the slowest layer",
            value=fmean(ratios),
            gap=1.0 - 1.0 / fmean(ratios),
            published=_PUBLISHED,
            verdict=f"worst {max(ratios):.2f}",
        ),
        Row(
            case=f"{_PROFILES} profiles, {_BATCHES} micro-batches a GPU",
            measure="% of the GPUs' time that they wait",
            baseline="one micro-batch a GPU",
            baseline_value=100.0 * fmean(few),
            method="all caps",
            value=100.0 * fmean(waits),
            gap=None,
            published=_PUBLISHED,
            verdict=f"least {min(waits):.1%}, most {max(waits):.1%}",
        ),
    ]


SCENARIO = Scenario(
    name="roundpipe",
    system="RoundPipe: stages dispatched in turn on consumer GPUs (ITcarrot/RoundPipe)",
    problem="layers in stages that GPUs take in turn",
    wants="nothing: random profiles of layers",
    run=run,
    targets=(
        Target(("micro-batches a GPU", "^all caps$"), of="value", at_most=5),
        Target(("over the least",), of="value", at_least=1, at_most=1.2),
    ),
)
