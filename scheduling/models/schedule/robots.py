"""Jobs that robots carry: a problem with explicit moves between the machines of its chains.

A move is a task of its own. It runs on one of the robots, loaded, and its state names where it
leads from and to; the setups of the robots are their empty travel from the end of one move to the
beginning of the next. Together with blocking chains this is a robotic cell (Crama, Kats, van de
Klundert and Levner, "Cyclic scheduling in robotic flowshops", 2000, survey them): a machine is kept
until a robot picks the job up, a robot until the next machine is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

from scheduling.errors import Fault, InputError, UnsupportedError
from scheduling.models.schedule.problem import Job, ScheduleProblem, Task

Place = str
Move = tuple[Place, Place]


def with_robots(
    problem: ScheduleProblem,
    robots: Sequence[str],
    travel: Mapping[Move, int],
    *,
    load: int = 0,
    unload: int = 0,
    home: Place | None = None,
    source: Place | None = None,
    sink: Place | None = None,
) -> ScheduleProblem:
    """Return the problem with a move between every two tasks of a chain on different machines.

    Parameters
    ----------
    problem
        Jobs in chains, whose tasks run on machines that can be told apart. Other jobs stay as they
        are.
    robots
        Ids of the robots, which become machines. All are alike.
    travel
        Time from place to place, loaded or empty; machines are places. From a place to itself it
        is 0.
    load, unload
        Time to pick a job up and to put it down, part of the move.
    home
        Where robots stand at first; ``None``: wherever they begin.
    source, sink
        Places from which every chain is brought to its first machine, and to which it is brought
        from its last one; any number of jobs can be there. ``None``: jobs begin and end on their
        machines.

    Returns
    -------
    ScheduleProblem
        With one robot and without swaps, a machine stands still between two blocking jobs while the
        robot takes one away and fetches the other: these times are stated as its setups, which say
        nothing new but make bounds sharp. The moves between tasks ``a`` and ``b`` are called ``a >
        b``. Where a task has a choice of machines, mode rules let the moves follow it.

    Raises
    ------
    InputError
        When the travel between two places is missing, and for whatever the problem's own
        validation finds.
    UnsupportedError
        When moves have no meaning: with transports already in the problem, in chains with a
        common mode or optional tasks, on pools or without a machine, or where a choice of machines
        leaves open whether a job moves at all.

    Examples
    --------
    >>> from scheduling import ScheduleModel
    >>> model = ScheduleModel()
    >>> job = model.add_job(chain=True, blocking=True)
    >>> for machine in (model.add_machine("a"), model.add_machine("b")):
    ...     _ = model.add_task(job, duration=3, machine=machine)
    >>> cell = with_robots(model.build(), ["robot"], {("a", "b"): 2, ("b", "a"): 2})
    >>> [task.modes[0].duration for task in cell.tasks]
    [3, 2, 3]
    """
    if problem.transports:
        raise UnsupportedError("robots: the problem has transports already; moves replace them")
    if not robots:
        raise InputError.single("robots", "none", "at least one robot")
    cell = _Cell(problem, robots, travel, load + unload, source, sink)
    jobs = [cell.job(job) for job in problem.jobs]
    setups = list(cell.setups(home))
    if cell.missing:
        raise InputError([_missing(pair) for pair in cell.missing])
    machines = [{"type": "machine", "id": name, "setups": setups} for name in robots]
    fields = problem.model_dump()
    rules = [*fields["mode_rules"], *cell.rules]
    resources = [*fields["resources"], *machines]
    if len(robots) == 1 and not problem.swap:
        cell.add_exchanges(resources)
    return ScheduleProblem.model_validate(
        {**fields, "resources": resources, "jobs": jobs, "mode_rules": rules}
    )


def _missing(pair: Move) -> Fault:
    return Fault("travel", f"no time from {pair[0]!r} to {pair[1]!r}", "the time of every way")


@dataclass
class _Cell:
    """What the moves of all jobs share; all that follows ``sink`` grows job by job.

    Attributes
    ----------
    visits : for each machine the tasks of blocking jobs between their moves, as fields, with the
        places before and after.
    crowded : machines that other tasks use too.
    """

    problem: ScheduleProblem
    robots: Sequence[str]
    travel: Mapping[Move, int]
    handling: int
    source: Place | None
    sink: Place | None
    moves: dict[Move, None] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    missing: dict[Move, None] = field(default_factory=dict)
    visits: dict[Place, list[tuple[dict[str, Any], Place | None, Place | None]]] = field(
        default_factory=dict
    )
    crowded: set[Place | None] = field(default_factory=set)

    def time(self, origin: Place, destination: Place) -> int:
        """Travel from place to place; what is missing is noted and counts as 0."""
        if origin == destination:
            return 0
        if (origin, destination) not in self.travel:
            self.missing[origin, destination] = None
        return self.travel.get((origin, destination), 0)

    def setups(self, home: Place | None) -> Iterator[dict[str, Any]]:
        """Empty travel between the moves, and from home to the first."""
        for after in self.moves:
            first = 0 if home is None else self.time(home, after[0])
            if first:
                yield {"before": None, "after": _state(after), "time": first}
            for before in self.moves:
                empty = self.time(before[1], after[0])
                if empty:
                    yield {"before": _state(before), "after": _state(after), "time": empty}

    def job(self, job: Job) -> dict[str, Any]:
        """Return the fields of a job with its moves."""
        fields: dict[str, Any] = job.model_dump()
        if not job.chain:
            self.crowded.update(mode.machine for task in job.tasks for mode in task.modes)
            return fields
        if job.same_mode or any(task.optional for task in job.tasks):
            kind = "a common mode" if job.same_mode else "optional tasks"
            raise UnsupportedError(f"robots: job {job.id!r} is a chain with {kind}")
        rows: list[dict[str, Any]] = []
        stops = [None, *job.tasks, None]
        inner = [self._machines(task) for task in job.tasks]
        places: list[list[Place | None]] = [[self.source], *inner, [self.sink]]
        for number, (before, after) in enumerate(pairwise(stops)):
            start, end = places[number], places[number + 1]
            if start != [None] and end not in ([None], start):
                rows.append(self._move(before, after, start, end))
            if after is not None:
                rows.append(after.model_dump())
                self._visit(rows[-1], job, places[number : number + 3])
        return {**fields, "tasks": rows}

    def _visit(self, row: dict[str, Any], job: Job, places: list[list[Place | None]]) -> None:
        """Note a task between its two moves, or that its machine has others too."""
        (before, *_), (here, *_), (after, *_) = places
        clear = all(len(found) == 1 for found in places) and here not in (before, after)
        if job.blocking and clear and all(mode["state"] is None for mode in row["modes"]):
            self.visits.setdefault(str(here), []).append((row, before, after))
        else:
            self.crowded.update(places[1])

    def add_exchanges(self, resources: list[dict[str, Any]]) -> None:
        """State how long one robot needs between two jobs on a machine, as setups of the machine.

        The robot cannot bring a job while another one is there, because it would have to swap them:
        it first takes that one away, then goes to where the next one is and brings it.
        """
        for entry in resources:
            visits = self.visits.get(entry["id"], [])
            if not visits or entry["id"] in self.crowded or entry["setups"]:
                continue
            ways = dict.fromkeys((before, after) for _, before, after in visits)
            for row, *way in visits:
                for mode in row["modes"]:
                    mode["state"] = _visit_state(entry["id"], *way)
            entry["setups"] = [
                {
                    "before": _visit_state(entry["id"], *one),
                    "after": _visit_state(entry["id"], *other),
                    "time": self._exchange(entry["id"], one[1], other[0]),
                }
                for one, other in product(ways, repeat=2)
            ]

    def _exchange(self, here: Place, destination: Place | None, origin: Place | None) -> int:
        """Time to take a job to its destination and to bring another one from its origin."""
        if destination is None or origin is None:
            return 0
        loaded = self.time(here, destination) + self.time(origin, here) + 2 * self.handling
        return loaded + self.time(destination, origin)

    def _machines(self, task: Task) -> list[Place | None]:
        """Machine of each mode of a task."""
        names = {resource.id for resource in self.problem.resources if resource.type == "machine"}
        places = [mode.machine for mode in task.modes]
        if any(place not in names for place in places):
            text = f"robots: task {task.id!r} is not always on a machine of its own"
            raise UnsupportedError(text)
        return list(places) if len(set(places)) > 1 else places[:1]

    def _move(
        self,
        before: Task | None,
        after: Task | None,
        start: list[Place | None],
        end: list[Place | None],
    ) -> dict[str, Any]:
        """Return the move between two tasks, and note the rules between its modes and theirs."""
        if {*start} & {*end}:
            both = " and ".join(repr(task.id) for task in (before, after) if task is not None)
            raise UnsupportedError(f"robots: tasks {both} may choose the same machine or not")
        name = f"{before.id if before else ''} > {after.id if after else ''}".strip()
        modes: list[dict[str, Any]] = []
        ways = product(dict.fromkeys(start), dict.fromkeys(end), self.robots)
        for origin, destination, robot in ways:
            way = str(origin), str(destination)
            self.moves[way] = None
            for task, places, place in ((before, start, origin), (after, end, destination)):
                if task is not None and len(places) > 1:
                    chosen = [index for index, found in enumerate(places) if found == place]
                    rule = {"task": name, "mode": len(modes), "other": task.id, "modes": chosen}
                    self.rules.append(rule)
            time = self.time(*way) + self.handling
            modes.append({"duration": time, "machine": robot, "state": _state(way)})
        return {"id": name, "modes": modes}


def _state(move: Move) -> str:
    return f"{move[0]} > {move[1]}"


def _visit_state(here: Place, before: Place | None, after: Place | None) -> str:
    return " > ".join(place for place in (before, here, after) if place is not None)
