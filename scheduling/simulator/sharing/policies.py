"""The policies of shared clusters: by arrival, by running tasks, by virtual deadlines."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduling.models.sharing.problem import SharedJob
from scheduling.simulator.sharing.policy import Rank, ReadyStage

_RELAXATION = (
    "tasks run whole on one core each after their job has come, as in the offline problem, which "
    "knows all jobs from the start"
)
_SLACK = 1e-9
"""Core-seconds of virtual work that count as none."""


class Fifo:
    """Stages in the order in which they came (Spark's default)."""

    name = "fifo"
    summary = "stages in the order in which they came"
    provenance = "released code (Apache Spark)"
    relaxation = _RELAXATION
    by_user = False

    def begin(self, cores: int) -> None:
        """Nothing is kept."""

    def submit(self, number: int, job: SharedJob, now: float) -> bool:  # noqa: ARG002 - protocol
        """Nothing is kept."""
        return False

    def rank(self, stage: ReadyStage) -> Rank:
        """Rank by the time of coming."""
        return (float(stage.submitted),)


class Fair(Fifo):
    """The stage with the fewest running tasks (Spark's FAIR with equal weights)."""

    name = "fair"
    summary = "the stage with the fewest running tasks"

    def rank(self, stage: ReadyStage) -> Rank:
        """Rank by running tasks, then by the time of coming."""
        return float(stage.running), float(stage.submitted)


class UserFair(Fair):
    """The user with the fewest running tasks, and of those the stage with the fewest."""

    name = "ujf"
    summary = "the user, then the stage with the fewest running tasks"
    provenance = "paper (arXiv 2510.15485)"
    by_user = True


class ClusterFair(Fifo):
    """Cluster fair queuing: jobs by the moment at which a fair share would complete them.

    Virtual time V goes at ``cores / active jobs``; a job that comes at V with work L has the
    deadline ``V + L`` and is active until V is there. Its stages run by that deadline.
    """

    name = "cfq"
    summary = "jobs by virtual deadlines of a fair share for each job"
    provenance = "paper (arXiv 2510.15485); work of jobs known"

    def begin(self, cores: int) -> None:
        """Start virtual time anew."""
        self._cores = cores
        self._now = self._virtual = 0.0
        self._active: list[float] = []
        self._deadline: dict[int, float] = {}

    def submit(self, number: int, job: SharedJob, now: float) -> bool:
        """Give the job its deadline; those of others stay."""
        left = now - self._now
        while self._active and left > 0:
            first = min(self._active)
            needed = (first - self._virtual) * len(self._active) / self._cores
            if needed > left:
                self._virtual += left * self._cores / len(self._active)
                break
            self._virtual = first
            left -= needed
            self._active = [deadline for deadline in self._active if deadline > first]
        self._now = now
        self._deadline[number] = self._virtual + job.core_seconds
        self._active.append(self._deadline[number])
        return False

    def rank(self, stage: ReadyStage) -> Rank:
        """Rank by the job's deadline."""
        return (self._deadline[stage.job],)


@dataclass(slots=True)
class _User:
    """A user in virtual time: own time, start of the next job, end, jobs by own deadline."""

    own: float
    start: float
    end: float
    jobs: list[tuple[float, int, float]] = field(default_factory=list)


class UserWeightedFair(Fifo):
    """User weighted fair queuing: deadlines chain over a user's jobs, users share equally.

    Virtual time V goes at ``cores / active users``, a user's own time at that share over the user's
    active jobs. A job with work L that comes at own time v has the user deadline ``v + L``. By user
    deadline, the jobs of a user get the deadlines ``S + L_1, S + L_1 + L_2, …``; S moves on with
    each job that completes in own time. A user is active until V passes the last deadline.
    """

    name = "uwfq"
    summary = "jobs by virtual deadlines of a fair share for each user"
    provenance = "paper (arXiv 2510.15485), users without grace period; work of jobs known"

    def begin(self, cores: int) -> None:
        """Start virtual time anew."""
        self._cores = cores
        self._now = self._virtual = 0.0
        self._users: dict[str, _User] = {}
        self._deadline: dict[int, float] = {}

    def submit(self, number: int, job: SharedJob, now: float) -> bool:
        """Give the user's jobs their deadlines anew."""
        self._advance(now - self._now)
        self._now = now
        if job.user not in self._users:
            self._users[job.user] = _User(0.0, self._virtual, self._virtual)
        user = self._users[job.user]
        user.jobs.append((user.own + job.core_seconds, number, job.core_seconds))
        user.jobs.sort()
        user.end = user.start
        for _, other, work in user.jobs:
            user.end += work
            self._deadline[other] = user.end
        return True

    def rank(self, stage: ReadyStage) -> Rank:
        """Rank by the job's deadline."""
        return (self._deadline[stage.job],)

    def _advance(self, left: float) -> None:
        """Let virtual time go on, from one virtual completion or leaving user to the next."""
        while self._users and left > 0:
            share = self._cores / len(self._users)
            step = left
            for user in self._users.values():
                step = min(step, (user.end - self._virtual) / share)
                if user.jobs:
                    step = min(step, (user.jobs[0][0] - user.own) * len(user.jobs) / share)
            step = max(step, 0.0)
            self._virtual += step * share
            left -= step
            for name in list(self._users):
                self._serve(name, step * share)

    def _serve(self, name: str, work: float) -> None:
        """Spread virtual work over a user's jobs; a user whose deadlines have passed leaves."""
        user = self._users[name]
        if user.jobs:
            user.own += work / len(user.jobs)
        while user.jobs and user.jobs[0][0] <= user.own + _SLACK:
            user.start += user.jobs.pop(0)[2]
        if self._virtual >= user.end - _SLACK:
            del self._users[name]
