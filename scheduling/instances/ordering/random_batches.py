"""Random batches of transactions: keys by Zipf's law, some of them written."""

from __future__ import annotations

import numpy as np

from scheduling.models.ordering.problem import OrderingProblem


def transactions(
    *,
    transactions: int = 30,
    operations: int = 10,
    keys: int = 50,
    writes: float = 0.3,
    zipf: float = 0.9,
    seed: int = 0,
) -> OrderingProblem:
    """Generate transactions whose operations touch keys by Zipf's law, half of them none.

    Parameters
    ----------
    transactions, operations, keys
        Sizes; ``operations`` are those of each transaction.
    writes
        Share of the operations with a key that write it.
    zipf
        Exponent of the popularity of keys.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    weight = np.arange(1, keys + 1, dtype=np.float64) ** -zipf
    shape = (transactions, operations)
    drawn = rng.choice(keys, shape, p=weight / weight.sum())
    touched, written = rng.random(shape) < 0.5, rng.random(shape) < writes
    lines = []
    for row in range(transactions):
        words = [
            f"{'w' if write else 'r'}-{key}" if touch else "*"
            for key, touch, write in zip(
                drawn[row].tolist(), touched[row].tolist(), written[row].tolist(), strict=True
            )
        ]
        lines.append(" ".join(words))
    return OrderingProblem(
        name=f"transactions-{transactions}x{operations}-s{seed}", transactions=tuple(lines)
    )
