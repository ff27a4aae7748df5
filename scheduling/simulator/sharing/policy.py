"""What a policy of a shared cluster is, and what it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from scheduling.models.sharing.problem import SharedJob

Rank = tuple[float, ...]


@dataclass(slots=True)
class ReadyStage:
    """A stage that has come and has tasks that wait for a core.

    Attributes
    ----------
    number
        Position in the order in which stages came.
    job
        Position of its job in the problem.
    user
        Whose it is.
    submitted
        When it came, in microseconds.
    waiting, running
        Its tasks that wait, and that run.
    """

    number: int
    job: int
    user: str
    submitted: int
    waiting: int
    running: int = 0


class SharingPolicy(Protocol):
    """Decides which stage a free core serves, from the jobs that have come by then.

    Any object with these attributes and methods can be simulated.

    Attributes
    ----------
    name
        Name in tables.
    summary
        One line for people.
    provenance
        Where the rule comes from: paper, released code, code with fix, inferred.
    relaxation
        Why the bound of the offline problem holds for it, in one line.
    by_user
        Whether a free core first goes to the user with the fewest running tasks.
    """

    name: str
    summary: str
    provenance: str
    relaxation: str
    by_user: bool

    def begin(self, cores: int) -> None:
        """Forget earlier runs; called at the start of each."""
        ...

    def submit(self, number: int, job: SharedJob, now: float) -> bool:
        """Take note of a job that comes, at a time in seconds; tell whether ranks change by it."""
        ...

    def rank(self, stage: ReadyStage) -> Rank:
        """Return the rank of a stage: the least is served first, of equal ones the first to come.

        It may depend on the stage's running tasks and on the jobs that have come.
        """
        ...
