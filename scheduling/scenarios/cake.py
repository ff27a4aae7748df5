"""CAKE: slices of a KV cache for the layers of a model, by what their attention looks like.

After the prompt, each layer keeps the keys that its last queries attend to most. CAKE gives layers
slices in proportion to ``H^(1/tau1) V^(1/tau2)``, entropy and variance over queries of their
attention, and shrinks slices while later layers arrive (the cascade). The attention mass that a
layer retains is concave in its slice, so the best slices are known exactly.

Inferred: attention is drawn with a seed, from layers of different sharpness and drift. The authors
choose tau1 and tau2 for each model; here they are those of a grid that retain most under other
attention of the same layers' kind, drawn with another seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from scheduling.models.allocation.problem import AllocationProblem, Claim
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve

Floats = NDArray[np.float64]

LAYERS, KEYS, WINDOW = 32, 4096, 32
SHARES = (1024, 512, 256)
"""Keys for each layer on average, the window of the last queries included."""

TAUS = tuple(product((0.3, 0.5, 1.0, 2.0), (1.0, 2.0, 5.0, 10.0, 30.0)))
"""Grid of ``(tau1, tau2)``."""

_UNITS = 10**6


def attention(seed: int, layers: int = LAYERS, keys: int = KEYS) -> list[Floats]:
    """Draw for each layer the attention of the window's queries on the keys before it."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(layers):
        base = rng.normal(0.0, rng.uniform(1.0, 3.5), keys)
        logits = base + rng.normal(0.0, rng.uniform(0.2, 1.0), (WINDOW, keys))
        weight = np.exp(logits - logits.max(axis=1, keepdims=True))
        found.append(weight / weight.sum(axis=1, keepdims=True))
    return found


def preferences(weights: list[Floats], taus: tuple[float, float]) -> list[float]:
    """Return ``H^(1/tau1) V^(1/tau2)`` of each layer."""
    found = []
    for weight in weights:
        mean = weight.mean(axis=0)
        entropy = float(-(mean * np.log(np.maximum(mean, 1e-300))).sum())
        variance = float(weight.var(axis=0).sum())
        found.append(float(entropy ** (1 / taus[0]) * variance ** (1 / taus[1])))
    return found


def calibrated(weights: list[Floats], each: int) -> tuple[float, float]:
    """Return the exponents of the grid whose slices retain most."""
    total = each * len(weights)
    problem = slicing_problem(weights, total)
    most = weights[0].shape[1]
    return max(
        TAUS, key=lambda taus: retained(problem, slices(preferences(weights, taus), total, most))
    )


def slices(preferred: list[float], total: int, most: int) -> list[int]:
    """Share a total out in proportion, none above ``most``; the slices sum to the total.

    What layers cannot take is spread evenly over the others, and fractions go to the largest.
    """
    share = np.array(preferred) / sum(preferred) * total
    while (share > most + 1e-9).any():
        over = float(np.maximum(share - most, 0).sum())
        share = np.minimum(share, most)
        open_ = share < most
        if not open_.any():
            break
        share[open_] += over / int(open_.sum())
    whole = np.floor(share + 1e-9).astype(int)
    order = np.argsort(whole - share, kind="stable")
    for layer in order.tolist():
        if whole.sum() >= min(total, most * len(preferred)):
            break
        whole[layer] += whole[layer] < most
    return [int(value) for value in whole]


@dataclass(frozen=True)
class Cascade:
    """Slices layer by layer.

    Attributes
    ----------
    history
        Slices of the layers seen, after each layer.
    """

    history: tuple[tuple[int, ...], ...]

    @property
    def falling(self) -> bool:
        """Whether no layer's slice ever grows while later layers arrive."""
        return all(
            after[layer] <= before[layer]
            for before, after in zip(self.history, self.history[1:], strict=False)
            for layer in range(len(before))
        )


def cascade(preferred: list[float], total: int, most: int) -> Cascade:
    """Share the same total out again after every layer, over the layers seen."""
    return Cascade(
        tuple(
            tuple(slices(preferred[:seen], min(total, most * seen), most))
            for seen in range(1, len(preferred) + 1)
        )
    )


def slicing_problem(weights: list[Floats], total: int) -> AllocationProblem:
    """State how many keys each layer keeps: those with the most attention first."""
    claims = []
    for layer, weight in enumerate(weights):
        mass = np.cumsum(np.rint(_UNITS * np.sort(weight.mean(axis=0))[::-1]).astype(int))
        claims.append(Claim(id=f"layer {layer:02d}", gains=(0, *mass.tolist())))
    return AllocationProblem(name="cake", budget=total, claims=tuple(claims))


def retained(problem: AllocationProblem, amounts: list[int]) -> int:
    """Return the attention mass that layers keep with these slices."""
    return sum(claim.gains[amount] for claim, amount in zip(problem.claims, amounts, strict=True))


def run(limits: Run) -> list[Row]:
    """Slice caches of several sizes."""
    weights = attention(seed=1)
    found = preferences(weights, calibrated(attention(seed=2), SHARES[1] - WINDOW))
    return [_row(weights, found, share - WINDOW, limits.seconds / len(SHARES)) for share in SHARES]


def _row(weights: list[Floats], preferred: list[float], each: int, seconds: float) -> Row:
    total = each * len(weights)
    problem = slicing_problem(weights, total)
    best: AllocationSolution = solve(problem, "greedy", time_limit=seconds)
    steps = cascade(preferred, total, KEYS)
    last = list(steps.history[-1])
    mass = retained(problem, last)
    bound = int(best.bound or 0)
    exact = "slices sum to the total" if sum(last) == total else "slices miss the total"
    return Row(
        case=f"{len(weights)} layers of {KEYS} keys, {each + WINDOW} kept on average",
        measure="attention mass retained, of all layers",
        baseline="equal slices",
        baseline_value=retained(problem, [each] * len(weights)) / _UNITS,
        method="CAKE's slices",
        value=mass / _UNITS,
        gap=1.0 - mass / bound,
        published="full quality at 3.2 % of the KV cache",
        verdict=f"{exact}; {'never grow' if steps.falling else 'grow'} in the cascade",
    )


SCENARIO = Scenario(
    name="cake",
    system="CAKE: cascading and adaptive KV cache eviction with layer preferences",
    problem="cache sizes of layers under one budget",
    wants="nothing: seeded attention",
    run=run,
    targets=(
        Target(("attention mass",), at_least=1),
        Target(("attention mass",), of="gap", at_most=0.05),
    ),
)
