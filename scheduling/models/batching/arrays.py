"""Batching problems as arrays, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.models.batching.problem import BatchingProblem, Objective

Ints = NDArray[np.int64]

_NEVER = 2**40


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """When requests start.

    Parameters
    ----------
    starts
        Of each request, shape (n,).
    evicted
        Request, start and iterations of every start that came to nothing.
    """

    starts: Ints
    evicted: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class BatchingArrays:
    """Columns of the requests, shape (n,), and the limits.

    Parameters
    ----------
    release, prompt, output, weight
        As of :class:`~scheduling.models.batching.problem.BatchingRequest`.
    due
        Due times; far beyond all ends for requests without one.
    memory, batch
        Limits of an iteration; a batch without limit holds all requests.
    objective
        What is sought.
    """

    release: Ints
    prompt: Ints
    output: Ints
    weight: Ints
    due: Ints
    memory: int
    batch: int
    objective: Objective

    @property
    def n(self) -> int:
        """Requests."""
        return len(self.release)

    @property
    def area(self) -> Ints:
        """Tokens that each request holds, summed over its iterations."""
        found: Ints = self.output * self.prompt + self.output * (self.output + 1) // 2
        return found

    @property
    def horizon(self) -> int:
        """An iteration before which some best schedule ends: one request after the other fits."""
        return int(self.release.max() + self.output.sum())

    def value(self, plan: Plan) -> int:
        """Value of the objective, the weight of those on time with its sign turned."""
        ends = plan.starts + self.output
        if self.objective == "makespan":
            return int(ends.max())
        if self.objective == "on-time":
            return -int(self.weight[ends <= self.due].sum())
        return int((self.weight * (ends - self.release)).sum())

    def fits(self, plan: Plan) -> bool:
        """Tell whether all starts are late enough and within memory and batch."""
        if (plan.starts < self.release).any():
            return False
        runs = [(k, int(plan.starts[k]), int(self.output[k])) for k in range(self.n)]
        runs += plan.evicted
        last = max(start + slots for _, start, slots in runs)
        held, running = np.zeros(last, np.int64), np.zeros(last, np.int64)
        for request, start, slots in runs:
            held[start : start + slots] += self.prompt[request] + np.arange(1, slots + 1)
            running[start : start + slots] += 1
        return bool(held.max() <= self.memory and running.max() <= self.batch)


def compile_batching(problem: BatchingProblem) -> BatchingArrays:
    """Compile a problem."""
    requests = problem.requests

    def column(name: str) -> Ints:
        return np.array([getattr(request, name) for request in requests], dtype=np.int64)

    due = [_NEVER if request.due is None else request.due for request in requests]
    return BatchingArrays(
        release=column("release"),
        prompt=column("prompt"),
        output=column("output"),
        weight=column("weight"),
        due=np.array(due, dtype=np.int64),
        memory=problem.memory,
        batch=problem.batch or len(requests),
        objective=problem.objective,
    )
