"""Numbers of flow lines and of a search over orders, as the kernels see them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Words = NDArray[np.uint64]

DUE, LINEAR, TARDY, LATE, TAIL = range(5)
"""Rows of ``Plant.job``."""

PEAK, FLOOR, SUMS = range(3)
"""Entries of ``Plant.goal``: price and least value of the maximum, whether jobs cost anything."""

TOP, SUM = range(2)
"""Columns of ``Search.value``: largest completion plus tail, and costs of the jobs of a line."""

BUILDING, POLISHING, IMPROVING, JUDGING = range(4)
"""Phases: put in the jobs of the bag, improve what is left without them, improve, judge."""

PHASE, BAG, TAKEN, POINT, QUIET, MAIN, SIDE, KEPT, BEST, FRESH, LOOKS, ROUNDS = range(12)
"""Entries of ``Search.counter``: phase; jobs in the bag and how many of them are put in; place in
the queue; jobs in a row that found no better place; value of the present orders and what breaks
its ties; value of the kept and of the best orders; whether there is a best; work; rounds."""

HEAT, REMOVED, TRIED = range(3)
"""Entries of ``Search.knob``: temperature, number of jobs taken out a round, and number of jobs
that are then tried elsewhere in vain before the round ends."""

LARGEST = 1 << 62


class Plant(NamedTuple):
    """The problem, see :class:`~scheduling.solvers.schedule.permutation.line.Line`."""

    duration: Ints
    release: Ints
    setup: Ints
    job: Ints
    goal: Ints
    units: Ints


class Search(NamedTuple):
    """Everything that a search remembers; made by :func:`make_search`.

    Attributes
    ----------
    order, size : (F, n), (F,)
        Jobs of each line in their order.
    where : (n,)
        Line of each job, -1 while it is out.
    front : (F, n + 1, K)
        Completions of the job before each position on each machine.
    back : (F, n + 1, K)
        Longest way from the start of the job at each position on each machine to the end.
    prefix, cost : (F, n + 1)
        Maximum and costs of the jobs before each position.
    suffix : (F, n + 1)
        Longest way from a release of a job at or behind each position.
    fresh : (F,)
        Whether all of these hold for the present order of a line.
    value : (F, 2)
        Maximum and costs of each line.
    row : (2, K)
        Completions in the making.
    served, ready, free : (n,)
        Jobs of a stage of a hybrid flow shop in the order of their arrival, when each job has left
        the stage before, and when each machine of the stage is free.
    kept, kept_size, best, best_size
        Orders to return to, and the best ones.
    bag, queue : (n,)
        Jobs to be put in, and jobs to be tried elsewhere.
    counter, knob, rng
        Scalars, see the names of this module, and the state of the random numbers.
    """

    order: Ints
    size: Ints
    where: Ints
    front: Ints
    back: Ints
    prefix: Ints
    cost: Ints
    suffix: Ints
    fresh: Ints
    value: Ints
    row: Ints
    served: Ints
    ready: Ints
    free: Ints
    kept: Ints
    kept_size: Ints
    best: Ints
    best_size: Ints
    bag: Ints
    queue: Ints
    counter: Ints
    knob: Floats
    rng: Words


def make_search(plant: Plant, seed: int, knob: tuple[float, int, int]) -> Search:
    """Allocate a search with no job in its orders.

    Parameters
    ----------
    plant
        The problem.
    seed
        Seed of the random numbers.
    knob
        Temperature, jobs that a round takes out, and jobs tried elsewhere before a round ends.
    """
    lines, jobs, stages = plant.duration.shape
    counter = np.zeros(12, np.int64)
    counter[[KEPT, BEST]] = LARGEST
    word = (seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & ((1 << 64) - 1)
    table, rows = (lines, jobs), (lines, jobs + 1)
    return Search(
        order=np.zeros(table, np.int64),
        size=np.zeros(lines, np.int64),
        where=np.full(jobs, -1, np.int64),
        front=np.zeros((lines, jobs + 1, stages), np.int64),
        back=np.zeros((lines, jobs + 1, stages), np.int64),
        prefix=np.zeros(rows, np.int64),
        cost=np.zeros(rows, np.int64),
        suffix=np.zeros(rows, np.int64),
        fresh=np.zeros(lines, np.int64),
        value=np.zeros((lines, 2), np.int64),
        row=np.zeros((2, stages), np.int64),
        served=np.zeros(jobs, np.int64),
        ready=np.zeros(jobs, np.int64),
        free=np.zeros(jobs, np.int64),
        kept=np.zeros(table, np.int64),
        kept_size=np.zeros(lines, np.int64),
        best=np.zeros(table, np.int64),
        best_size=np.zeros(lines, np.int64),
        bag=np.zeros(jobs, np.int64),
        queue=np.arange(jobs, dtype=np.int64),
        counter=counter,
        knob=np.array([knob[HEAT], min(knob[REMOVED], jobs), knob[TRIED]], np.float64),
        rng=np.array([word or 1], np.uint64),
    )
