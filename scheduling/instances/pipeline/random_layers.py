"""Random profiles of models: layers of about the same time and a heavy head at the end."""

from __future__ import annotations

import numpy as np

from scheduling.models.pipeline.problem import Layer, PipelineProblem


def model_layers(
    *, layers: int = 32, gpus: int = 8, spread: float = 0.1, seed: int = 0
) -> PipelineProblem:
    """Generate a model's layers, three times as long backward as forward, and its head.

    Parameters
    ----------
    layers
        Layers before the head.
    gpus
        GPUs that take stages in turn.
    spread
        How far a layer's time may be from 1 second, as a share; the head takes 0.5 to 3 seconds
        forward and twice as long backward.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    base = rng.uniform(1.0 - spread, 1.0 + spread, layers).round(6).clip(1e-6).tolist()
    head = round(float(rng.uniform(0.5, 3.0)), 6)
    found = [Layer(forward_seconds=value, backward_seconds=round(3.0 * value, 6)) for value in base]
    found.append(Layer(forward_seconds=head, backward_seconds=round(2.0 * head, 6)))
    return PipelineProblem(name=f"layers-{layers}x{gpus}-s{seed}", gpus=gpus, layers=tuple(found))
