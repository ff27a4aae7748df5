"""The solver's own process: it mirrors the cluster and plans for the newest state."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from scheduling.errors import SchedulingError
from scheduling.kubernetes.extender.plan import Plan, make_plan
from scheduling.kubernetes.extender.reading import Reader
from scheduling.kubernetes.state import KINDS, ClusterState, Key, Object, item_of
from scheduling.models.base import Status
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution

Change = tuple[str, Key, Object | None]
"""Kind, key and the object as it is now; ``None``: it is gone."""

_NICE = 10
"""Answers to the scheduler come before the search for better plans."""

_PAUSE = 30.0
"""Seconds after which a state that no plan was made for is tried again."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How plans are made.

    Attributes
    ----------
    solver
        Solver of the family ``placement``.
    time_limit
        Seconds for one plan.
    workers
        Threads; ``None``: all processors.
    seed
        Seed of every random choice.
    max_moves
        Most running pods that a plan may move or evict; ``None``: no limit.
    keep_bare
        Whether pods without a controller stay where they run: nobody would make them again.
    """

    solver: str = "auto"
    time_limit: float = 10.0
    workers: int | None = None
    seed: int = 0
    max_moves: int | None = None
    keep_bare: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """A part of what changed in the cluster.

    Attributes
    ----------
    version
        Version of the state that is complete with the last part.
    changes
        The changes.
    more
        Whether further parts follow.
    """

    version: int
    changes: tuple[Change, ...]
    more: bool


def plan_for(
    version: int,
    objects: Sequence[Object],
    settings: Settings,
    before: PlacementSolution | None = None,
    reader: Reader | None = None,
) -> tuple[Plan, PlacementSolution | None]:
    """Make a plan for a state of the cluster.

    Parameters
    ----------
    version
        Version of the state.
    objects
        Its objects.
    settings
        How to solve.
    before
        The last solution: the search starts from what of it still holds.
    reader
        Who reads the objects; one that has read an earlier state knows faulty pods already.

    Returns
    -------
    tuple
        The plan, and the solution that it came from.
    """
    from scheduling.solvers.driver import solve
    from scheduling.solvers.placement.ordering import order_steps

    started = time.monotonic()
    pods = [entry for entry in objects if entry["kind"] == "Pod"]
    if not any(entry["kind"] == "Node" for entry in objects):
        waiting = tuple(sorted(item_of(pod) for pod in pods))
        return Plan(version=version, status=Status.OPTIMAL, gap=0.0, unplaced=waiting), None
    snapshot = (reader or Reader()).read(objects)
    problem = snapshot.problem.model_copy(update={"max_moves": settings.max_moves})
    if settings.keep_bare:
        problem = _with_bare_kept(problem)
    if all(item.node is not None for item in problem.items):
        plan = Plan(version=version, status=Status.OPTIMAL, gap=0.0, notes=snapshot.notes)
        return plan, None
    solution = solve(
        problem,
        settings.solver,
        time_limit=settings.time_limit,
        workers=settings.workers,
        seed=settings.seed,
        hint=_still_there(problem, before),
    )
    if solution.status not in (Status.OPTIMAL, Status.FEASIBLE):
        raise SchedulingError(f"no placement found: {solution.status}")
    plan = make_plan(
        version,
        problem,
        solution,
        order_steps(problem, solution),
        pods,
        seconds=time.monotonic() - started,
        notes=snapshot.notes,
    )
    return plan, solution


def _with_bare_kept(problem: PlacementProblem) -> PlacementProblem:
    items = tuple(
        item.model_copy(update={"pinned": True})
        if item.node is not None and item.owner is None
        else item
        for item in problem.items
    )
    return problem.model_copy(update={"items": items})


def _still_there(
    problem: PlacementProblem, before: PlacementSolution | None
) -> PlacementSolution | None:
    if before is None:
        return None
    items = {item.id for item in problem.items}
    nodes = {node.id for node in problem.nodes}
    kept = tuple(
        entry for entry in before.placements if entry.item in items and entry.node in nodes
    )
    return before.model_copy(update={"placements": kept})


class _Mirror:
    """The cluster as the server's process has told it; a thread listens."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._state = ClusterState()
        self._news = threading.Condition()
        self._version: int | None = None
        threading.Thread(target=self._listen, daemon=True, name="listen").start()

    def wait(self, known: int | None, seconds: float | None) -> tuple[int, list[Object]]:
        """Wait for a complete state of another version than the known one, or for some seconds."""
        with self._news:
            self._news.wait_for(lambda: self._version not in (None, known), seconds)
            while self._version is None:
                self._news.wait()
            return self._version, self._state.objects()

    def _listen(self) -> None:
        while True:
            try:
                news = self._connection.recv()
            except (EOFError, OSError):
                os._exit(0)  # The server is gone, and the main thread may be in mid-solve.
            with self._news:
                for kind, key, obj in news.changes:
                    if obj is None:
                        self._state.delete(kind, *key)
                    else:
                        self._state.apply(kind, obj)
                self._version = None if news.more else news.version
                self._news.notify()


def run(connection: Connection, settings: Settings) -> None:
    """Plan for ever: main function of the process.

    Sent are plans, or the text of an error; received is :class:`News`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The server ends this process itself.
    if hasattr(os, "nice"):
        os.nice(_NICE)
    mirror, reader = _Mirror(connection), Reader()
    version, last = None, None
    pause: float | None = None
    while True:
        version, objects = mirror.wait(version, pause)
        wanted = [entry for entry in objects if entry["kind"] in KINDS]
        try:
            plan, last = plan_for(version, wanted, settings, last, reader)
        except (SchedulingError, ValueError) as error:
            pause = _PAUSE
            connection.send((version, str(error)))
        else:
            pause = None
            connection.send((version, plan))
