"""The fluid reference of fair sharing: cores that can be split at will.

Every user with work gets an equal share of all cores and spreads it evenly over its jobs, or every
job gets an equal share: processor sharing, in one level or two. No task has a size there.
"""

from __future__ import annotations

from collections import defaultdict

from scheduling.models.sharing.problem import SharedCluster

_SMALL = 1e-12


def fluid_completions(problem: SharedCluster, *, by_user: bool = True) -> list[float]:
    """Return when each job completes in the fluid reference, in seconds.

    Parameters
    ----------
    problem
        The jobs; chains count as one piece of work.
    by_user
        Share equally among users and then among the jobs of each; otherwise among jobs.
    """
    jobs = problem.jobs
    order = sorted(range(len(jobs)), key=lambda k: jobs[k].arrival_seconds)
    left = [job.core_seconds for job in jobs]
    ends = [0.0] * len(jobs)
    groups: dict[str, set[int]] = defaultdict(set)
    now, position = 0.0, 0
    while position < len(order) or groups:
        rates = {
            job: problem.cores / len(groups) / len(group)
            for group in groups.values()
            for job in group
        }
        first = min(rates, key=lambda job: left[job] / rates[job], default=None)
        step = left[first] / rates[first] if first is not None else float("inf")
        arrival = jobs[order[position]].arrival_seconds if position < len(order) else float("inf")
        if arrival <= now + step:
            step = max(0.0, arrival - now)
            first = None
        now += step
        for job, rate in rates.items():
            left[job] -= rate * step
        ended = [job for job in rates if left[job] <= _SMALL * jobs[job].core_seconds]
        for job in sorted({*ended, *(() if first is None else (first,))}):
            ends[job] = now
            key = _group(problem, job, by_user)
            groups[key].remove(job)
            if not groups[key]:
                del groups[key]
        while first is None and position < len(order):
            job = order[position]
            if jobs[job].arrival_seconds > now:
                break
            groups[_group(problem, job, by_user)].add(job)
            position += 1
    return ends


def _group(problem: SharedCluster, job: int, by_user: bool) -> str:
    return problem.jobs[job].user if by_user else problem.jobs[job].id
