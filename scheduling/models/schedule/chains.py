"""Neighbours in chains, tasks that may be skipped considered."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.schedule.problem import Job


def chain_steps(job: Job) -> Iterator[tuple[int, int]]:
    """Yield places in a chain that are neighbours when what may be skipped between them is."""
    for first in range(len(job.tasks)):
        for second in range(first + 1, len(job.tasks)):
            yield first, second
            if not job.tasks[second].optional:
                break
