"""Parallel generation, justification, and the pass that turns a list into a rated schedule.

Parallel generation: Kolisch (1996). Justification, or forward-backward improvement: Valls,
Ballestin and Quintanilla (2005). For objectives over jobs each job is held to its own completion,
or due date if later, which makes the double pass monotone for every regular measure.
"""

from __future__ import annotations

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.project import (
    BEFORE,
    DEADLINE,
    DUE,
    FORWARD,
    HEAD,
    JOB,
    LENGTH,
    OUT,
    RELEASE,
    SPAN_ONLY,
    TASKS,
    Ints,
    Project,
)
from scheduling.solvers.schedule.kernels.project_lists import (
    CLOSES,
    COUNT,
    FLOOR,
    KEY,
    LIST,
    LOW,
    OPENS,
    ORDER,
    QUEUE,
    START,
    STILL,
    Space,
    better,
    fill_left,
    list_by,
    list_by_time,
    missing,
    rate,
)
from scheduling.solvers.schedule.kernels.project_profile import NO_FIT, Profile, fit, occupy, reset
from scheduling.solvers.schedule.kernels.project_sgs import HOPELESS, choose_mode, lower, serial

SERIAL, PARALLEL = range(2)

PARALLEL_LIMIT = 5000
"""Most tasks for the parallel scheme: it looks at every waiting task at every decision."""

_NEVER = 1 << 60


@njit.lean
def _admit(
    project: Project,
    space: Space,
    mode: Ints,
    start: Ints,
    release: Ints,
    waiting: int,
    u: int,
) -> int:
    """Insert ``u`` into the waiting tasks, kept by list position; return their number."""
    space.row[LOW, u] = lower(project, start, mode, u, mode[u], release[u])
    j = waiting
    while j > 0 and space.row[FLOOR, space.row[QUEUE, j - 1]] > space.row[FLOOR, u]:
        space.row[QUEUE, j] = space.row[QUEUE, j - 1]
        j -= 1
    space.row[QUEUE, j] = u
    return waiting + 1


@njit.lean
def _seat(project: Project, profile: Profile, m: int, t: int, now: int) -> int:
    """Occupy what mode ``m`` needs at ``now`` unless it fits nowhere; return the violation."""
    if t == NO_FIT:
        return HOPELESS
    occupy(project, profile, m, now, 1)
    return 0


@njit.lean
def parallel(
    project: Project,
    profile: Profile,
    space: Space,
    order: Ints,
    mode: Ints,
    choose: Ints,
    start: Ints,
) -> int:
    """Move through time; at each moment start what fits, by position in the list.

    ``space.low`` bounds the next start of each waiting task from below, ``space.floor`` is its
    position. Not for projects with backward edges.
    """
    n = order.shape[0]
    release = project.task[RELEASE]
    reset(project, profile, 0)
    fill_left(project, mode, space.left)
    waiting = 0
    violation = 0
    for i in range(n):
        space.row[FLOOR, order[i]] = i
    for u in range(n):
        space.row[COUNT, u] = project.task[BEFORE, u]
        if space.row[COUNT, u] == 0:
            waiting = _admit(project, space, mode, start, release, waiting, u)
    while waiting > 0:
        now = _NEVER
        for j in range(waiting):
            now = min(now, space.row[LOW, space.row[QUEUE, j]])
        j = 0
        while j < waiting:
            u = space.row[QUEUE, j]
            if space.row[LOW, u] > now:
                j += 1
                continue
            if choose[u]:
                t = choose_mode(project, profile, space, start, mode, u, max(now, release[u]))
            else:
                t = fit(project, profile, mode[u], now)
            if t > now:
                space.row[LOW, u] = t
                j += 1
                continue
            start[u] = now
            violation += _seat(project, profile, mode[u], t, now)
            violation += max(0, now + project.mode[LENGTH, mode[u]] - project.task[DEADLINE, u])
            waiting -= 1
            for k in range(j, waiting):
                space.row[QUEUE, k] = space.row[QUEUE, k + 1]
            for k in range(project.task[OUT, u], project.task[OUT, u + 1]):
                v = project.edge[k, HEAD]
                space.row[COUNT, v] -= project.edge[k, FORWARD]
                if space.row[COUNT, v] == 0 and project.edge[k, FORWARD]:
                    waiting = _admit(project, space, mode, start, release, waiting, v)
                    if space.row[FLOOR, v] < space.row[FLOOR, u]:
                        j = 0
    return violation + missing(space.left)


@njit.lean
def _latest_ends(project: Project, end: Ints, span: int, out: Ints) -> None:
    """Latest end of each task that costs nothing: the makespan, or its job's completion."""
    for u in range(out.shape[0]):
        limit = span
        if not project.facts[SPAN_ONLY]:
            j = project.task[JOB, u]
            limit = end[j]
            if end[j] < project.job[DUE, j] < _NEVER:
                limit = min(span, project.job[DUE, j])
        out[u] = min(limit, project.task[DEADLINE, u])


@njit.lean
def justify(
    project: Project,
    mirror: Project,
    profile: Profile,
    space: Space,
    mode: Ints,
    start: Ints,
    score: Ints,
    caps: Ints,
) -> bool:
    """Shift all tasks right, then left; keep the result if it is not worse. True if better.

    A valid schedule is required.
    """
    n = start.shape[0]
    span = 0
    for u in range(n):
        span = max(span, start[u] + project.mode[LENGTH, mode[u]])
    for j in range(space.end.shape[0]):
        latest = 0
        for u in range(project.job[TASKS, j], project.job[TASKS, j + 1]):
            latest = max(latest, start[u] + project.mode[LENGTH, mode[u]])
        space.end[j] = latest
    release, deadline = space.row[OPENS], space.row[CLOSES]
    _latest_ends(project, space.end, span, release)
    for u in range(n):
        release[u] = span - release[u]
        deadline[u] = span - project.task[RELEASE, u]
        space.row[KEY, u] = span - start[u] - project.mode[LENGTH, mode[u]]
    list_by_time(mirror, space, space.row[KEY], space.row[ORDER])
    if serial(
        mirror,
        profile,
        space,
        space.row[ORDER],
        mode,
        space.row[STILL],
        release,
        deadline,
        space.row[START],
        span,
    ):
        return False
    for u in range(n):
        space.row[KEY, u] = span - space.row[START, u] - project.mode[LENGTH, mode[u]]
    list_by_time(project, space, space.row[KEY], space.row[ORDER])
    violation = serial(
        project,
        profile,
        space,
        space.row[ORDER],
        mode,
        space.row[STILL],
        project.task[RELEASE],
        project.task[DEADLINE],
        space.row[START],
        0,
    )
    rate(project, space, space.row[START], mode, violation, caps)
    if better(score, space.score):
        return False
    improved = better(space.score, score)
    for u in range(n):
        start[u] = space.row[START, u]
    for i in range(score.shape[0]):
        score[i] = space.score[i]
    return improved


@njit.lean
def complete(
    project: Project,
    mirror: Project,
    profile: Profile,
    space: Space,
    order: Ints,
    mode: Ints,
    choose: Ints,
    scheme: int,
    rounds: int,
    caps: Ints,
    start: Ints,
    score: Ints,
) -> int:
    """Build a schedule from a list and justify it; return the number of schedules generated.

    ``scheme`` is ``SERIAL`` or ``PARALLEL``, ``rounds`` the most double justifications (they stop
    when one brings nothing), ``choose`` as for :func:`serial`. Writes ``mode``, ``start``,
    ``score``.
    """
    if scheme == PARALLEL:
        violation = parallel(project, profile, space, order, mode, choose, start)
    else:
        violation = serial(
            project,
            profile,
            space,
            order,
            mode,
            choose,
            project.task[RELEASE],
            project.task[DEADLINE],
            start,
            0,
        )
    rate(project, space, start, mode, violation, caps)
    for i in range(score.shape[0]):
        score[i] = space.score[i]
    made = 1
    for _ in range(rounds if violation == 0 else 0):
        made += 2
        if not justify(project, mirror, profile, space, mode, start, score, caps):
            break
    return made


@njit.lean_entry
def generate(
    project: Project,
    mirror: Project,
    profile: Profile,
    space: Space,
    key: Ints,
    mode: Ints,
    choose: Ints,
    scheme: int,
    rounds: int,
    caps: Ints,
    start: Ints,
    score: Ints,
) -> int:
    """Call :func:`complete` with the list of tasks by rising priority ``key``."""
    order = space.row[LIST]
    list_by(project, space, key, order)
    return complete(
        project, mirror, profile, space, order, mode, choose, scheme, rounds, caps, start, score
    )
