"""One machine, jobs of several operations, each of which shows its length when the last one ends.

Policies decide at every unit of time and see what has been done of a job and the operation that it
is at. The best that one who knows all could do is shortest remaining work first; see
:func:`~scheduling.models.preemptive.srpt_sum`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scheduling.models.preemptive import srpt_sum


@dataclass(frozen=True, slots=True)
class RevealedJob:
    """A job.

    Parameters
    ----------
    release
        Time at which it comes and shows its first operation.
    operations
        Whole lengths of its operations, one after another; each at least 1.
    """

    release: int
    operations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a policy knows of a job that waits.

    Parameters
    ----------
    release
        When it came.
    done
        Units of time that it has had in all.
    current
        Length of the operation that it is at.
    left
        What is left of that operation.
    known
        Length of all operations that have been shown.
    """

    release: int
    done: int
    current: int
    left: int
    known: int


Rule = Callable[[Seen], tuple[int, ...]]
"""From what is seen of a job to its place; the least runs, earlier jobs first among equals."""

States = Callable[[int], Seen]
"""From the number of a job to what is seen of it."""

RULES: Mapping[str, Rule] = {
    "op-srpt": lambda seen: (seen.left,),
    "slf": lambda seen: (seen.known,),
    "fb": lambda seen: (seen.done,),
    "fcfs": lambda seen: (seen.release,),
}
"""Shortest rest of the present operation; shortest known length; least served; first come."""


def flow_time(jobs: Sequence[RevealedJob], rule: Rule) -> int:
    """Return the sum of the times from release to end under a rule.

    Parameters
    ----------
    jobs
        The jobs.
    rule
        Chooses at every unit of time.
    """

    def choose(waiting: list[int], states: States) -> int:
        return min(waiting, key=lambda job: (*rule(states(job)), job))

    return _played(jobs, choose)


def round_robin(jobs: Sequence[RevealedJob]) -> int:
    """Return the sum of flow times when jobs take turns of one unit.

    Parameters
    ----------
    jobs
        The jobs.
    """
    turns: list[int] = []

    def choose(waiting: list[int], _: States) -> int:
        present = set(waiting)
        turns[:] = [job for job in turns if job in present]
        turns.extend(job for job in waiting if job not in turns)
        first = turns.pop(0)
        turns.append(first)
        return first

    return _played(jobs, choose)


def least_flow_time(jobs: Sequence[RevealedJob]) -> int:
    """Return the least sum of flow times, with all lengths known: shortest remaining work first.

    Parameters
    ----------
    jobs
        The jobs.
    """
    ordered = sorted(jobs, key=lambda job: job.release)
    release = np.array([job.release for job in ordered], dtype=np.float64)
    work = np.array([sum(job.operations) for job in ordered], dtype=np.float64)
    return round(srpt_sum(release, work) - float(release.sum()))


def _played(jobs: Sequence[RevealedJob], choose: Callable[[list[int], States], int]) -> int:
    done = [0] * len(jobs)
    total = [sum(job.operations) for job in jobs]

    def states(job: int) -> Seen:
        return _seen(jobs[job], done[job])

    flow = now = 0
    left = set(range(len(jobs)))
    while left:
        waiting = sorted(k for k in left if jobs[k].release <= now)
        if not waiting:
            now = min(jobs[k].release for k in left)
            continue
        chosen = choose(waiting, states)
        done[chosen] += 1
        now += 1
        if done[chosen] == total[chosen]:
            left.remove(chosen)
            flow += now - jobs[chosen].release
    return flow


def _seen(job: RevealedJob, done: int) -> Seen:
    known = 0
    for length in job.operations:
        known += length
        if done < known:
            return Seen(job.release, done, length, known - done, known)
    return Seen(job.release, done, 0, 0, known)
