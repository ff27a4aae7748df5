"""Random programs whose tensors lie in memories of different speed."""

from __future__ import annotations

import numpy as np

from scheduling.models.tiers.problem import Tensor, TieredProblem, TierMemory, Use

FAST, SLOW = "fast", "slow"

_FAST_RATE, _SLOW_RATE, _LINK_RATE = 8000, 1000, 500


def tensor_program(
    *, steps: int = 20, weights: int = 8, share: float = 0.25, sigma: float = 1.0, seed: int = 0
) -> TieredProblem:
    """Generate a program of operations, a fast memory with little room, and a slow one.

    Each step makes one tensor from one or two earlier ones, mostly late ones, and some steps read
    a weight, which has its home in the slow memory and may be read several times. The fast memory
    has eight times the bandwidth; copies run beside the steps at half the slow bandwidth.

    Parameters
    ----------
    steps
        Operations.
    weights
        Constant tensors.
    share
        Room of the fast memory as a share of the largest sum of tensors that are live.
    sigma
        Standard deviation of the logarithm of the sizes.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    sizes = np.maximum(1, np.rint(20_000 * rng.lognormal(0.0, sigma, steps))).astype(int).tolist()
    uses: list[dict[int, int]] = [{step: sizes[step]} for step in range(steps)]
    for step in range(1, steps):
        for back in {int(rng.geometric(0.4)) for _ in range(2)}:
            source = max(0, step - back)
            uses[source][step] = sizes[source]
    tensors = [
        Tensor(
            id=f"result {step}",
            size=sizes[step],
            start=step,
            end=max(uses[step]) + 1,
            uses=tuple(Use(step=at, bytes=count) for at, count in sorted(uses[step].items())),
        )
        for step in range(steps)
    ]
    for number in range(weights):
        size = max(1, int(40_000 * rng.lognormal(0.0, sigma)))
        count = min(steps, 1 + int(rng.geometric(0.5)))
        read = sorted(int(step) for step in rng.choice(steps, count, replace=False))
        tensors.append(
            Tensor(
                id=f"weight {number}",
                size=size,
                home=SLOW,
                uses=tuple(Use(step=step, bytes=size) for step in read),
            )
        )
    live = [
        sum(t.size for t in tensors[:steps] if t.start <= at < (t.end or 0)) for at in range(steps)
    ]
    room = max(1, int(share * (max(live) + sum(t.size for t in tensors[steps:]))))
    return TieredProblem(
        name=f"program-{steps}x{weights}-s{seed}",
        memories=(
            TierMemory(id=FAST, bandwidth=_FAST_RATE, capacity=room),
            TierMemory(id=SLOW, bandwidth=_SLOW_RATE),
        ),
        compute=tuple(int(ticks) for ticks in rng.integers(5, 40, steps)),
        tensors=tuple(tensors),
        link=_LINK_RATE,
    )
