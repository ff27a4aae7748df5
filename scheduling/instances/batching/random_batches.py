"""Random batching problems."""

from __future__ import annotations

import numpy as np

from scheduling.models.batching.problem import BatchingProblem, BatchingRequest


def batching(
    *,
    requests: int = 40,
    memory: int = 100,
    longest_prompt: int = 30,
    longest_answer: int = 20,
    last_release: int = 0,
    deadlines: int = 0,
    leeway: float = 2.0,
    seed: int = 0,
) -> BatchingProblem:
    """Generate requests with uniform prompts, answers and releases.

    Parameters
    ----------
    requests, memory
        Sizes.
    longest_prompt, longest_answer
        Prompts and answers are uniform from 1 to these.
    last_release
        Releases are uniform from 0 to this.
    deadlines
        1: most are to be on time; 0: the sum of flow times is to be least.
    leeway
        Then requests are due at ``release + output * (1 + u)``, ``u`` uniform from 0 to this.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    prompts = rng.integers(1, longest_prompt + 1, requests)
    answers = rng.integers(1, longest_answer + 1, requests)
    releases = np.sort(rng.integers(0, last_release + 1, requests))
    times = 1.0 + rng.random(requests) * leeway
    due = releases + np.ceil(answers * times).astype(np.int64)
    return BatchingProblem(
        name=f"batching-{requests}-m{memory}-s{seed}",
        memory=memory,
        objective="on-time" if deadlines else "flow",
        requests=tuple(
            BatchingRequest(
                id=f"r{row:04d}",
                release=int(releases[row]),
                prompt=int(prompts[row]),
                output=int(answers[row]),
                due=int(due[row]) if deadlines else None,
            )
            for row in range(requests)
        ),
    )
