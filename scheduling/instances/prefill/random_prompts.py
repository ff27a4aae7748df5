"""Random problems of prompts with the service levels of FlowPrefill."""

from __future__ import annotations

import numpy as np

from scheduling.models.prefill.problem import PrefillProblem, Prompt

CLASSES = (
    ("text", 0.60, 250, 20, 120),
    ("image", 0.20, 500, 60, 250),
    ("search", 0.10, 4000, 400, 2000),
    ("file", 0.10, 6000, 500, 3000),
)
"""Name, share, milliseconds to the first token, least and most milliseconds of work.

The limits are those of FlowPrefill (arXiv 2602.16603); shares and work are assumptions.
"""


def prompts(
    *,
    requests: int = 80,
    load: float = 1.2,
    operators: int = 32,
    seed: int = 0,
) -> PrefillProblem:
    """Generate prompts of four classes that come at random.

    Times are in microseconds.

    Parameters
    ----------
    requests
        Prompts that come.
    load
        Work that comes over time that passes; above 1 some have to be late.
    operators
        Of each prompt.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    shares = np.array([share for _, share, *_ in CLASSES])
    kinds = rng.choice(len(CLASSES), requests, p=shares / shares.sum())
    low, high = (np.array([entry[place] for entry in CLASSES])[kinds] for place in (3, 4))
    work = low * (high / low) ** rng.random(requests) * 1000.0
    gaps = rng.exponential(1.0, requests)
    release = np.cumsum(gaps) * work.sum() / (load * gaps.sum())
    release = np.floor(release - release[0]).astype(np.int64)
    found = []
    for row, kind in enumerate(kinds.tolist()):
        name, _, limit, *_ = CLASSES[kind]
        found.append(
            Prompt(
                id=f"{name}-{row:04d}",
                release=int(release[row]),
                operators=operators,
                duration=max(1, int(work[row] / operators)),
                due=int(release[row]) + limit * 1000,
            )
        )
    return PrefillProblem(name=f"prompts-{requests}-s{seed}", prompts=tuple(found))
