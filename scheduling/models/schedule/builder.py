"""Builder for people who would rather add jobs one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.errors import InputError
from scheduling.models.schedule.problem import PrecedenceKind, ScheduleProblem

Rest = tuple[int, int] | tuple[int, int, int]
"""Start and end of a window of a calendar, and its efficiency in percent (default 0: closed)."""


class ScheduleModel:
    """Collects jobs, tasks and resources and builds one validated problem.

    Each ``add_*`` returns the id of what it added, for use in later calls. :meth:`build` checks
    everything and reports every fault at once; only a job or task that was never added is refused
    on the spot, with an :class:`~scheduling.errors.InputError`.

    Parameters
    ----------
    name
        Name shown to people.

    Examples
    --------
    >>> from scheduling import ScheduleModel
    >>> model = ScheduleModel("two jobs")
    >>> lathe, mill = model.add_machine("lathe"), model.add_machine("mill")
    >>> for number in (1, 2):
    ...     job = model.add_job(f"job {number}", chain=True)
    ...     _ = model.add_task(job, duration=3, machine=lathe)
    ...     _ = model.add_task(job, duration=2, machine=mill)
    >>> problem = model.build()
    >>> len(problem.tasks)
    4
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._resources: list[dict[str, Any]] = []
        self._calendars: list[dict[str, Any]] = []
        self._jobs: list[dict[str, Any]] = []
        self._tasks: dict[str, list[dict[str, Any]]] = {}
        self._modes: dict[str, list[dict[str, Any]]] = {}
        self._links: list[dict[str, Any]] = []
        self._transports: list[dict[str, Any]] = []
        self._orders: list[list[str]] = []
        self._alternatives: list[dict[str, Any]] = []
        self._mode_rules: list[dict[str, Any]] = []
        self._disjunctions: list[list[str]] = []
        self._swap = True
        self._objective: Any = "makespan"

    def add_calendar(
        self,
        breaks: Sequence[Rest] = (),
        *,
        period: int | None = None,
        periodic: Sequence[Rest] = (),
        name: str | None = None,
    ) -> str:
        """Add a calendar of breaks ``(start, end)``, sorted and disjoint.

        ``periodic`` breaks lie in ``[0, period]`` and come back every ``period``. A break
        ``(start, end, efficiency)`` slows work down to that many percent, or speeds it up.
        """
        key = name or f"calendar {len(self._calendars) + 1}"
        windows = {
            field: [dict(zip(("start", "end", "efficiency"), rest, strict=False)) for rest in rests]
            for field, rests in (("breaks", breaks), ("periodic", periodic))
        }
        self._calendars.append({"id": key, "period": period, **windows})
        return key

    def add_machine(
        self,
        name: str | None = None,
        *,
        calendar: str | None = None,
        setups: Mapping[tuple[str | None, str], int] | None = None,
        idle_power: int = 0,
        no_idle: bool = False,
        batch: int | None = None,
    ) -> str:
        """Add a machine: at most one task at a time.

        ``setups`` are times by ``(state before, state after)``, ``None`` for the first task.
        ``idle_power`` is the energy that it takes per unit of time while it is on and runs nothing.
        With ``no_idle`` it never stands still between its first start and its last release. With
        ``batch`` it runs tasks of the same state and duration together, up to so many units.
        """
        rows = [
            {"before": before, "after": after, "time": time}
            for (before, after), time in (setups or {}).items()
        ]
        return self._resource(
            "machine",
            name,
            calendar=calendar,
            setups=rows,
            idle_power=idle_power,
            no_idle=no_idle,
            batch=batch,
        )

    def add_pool(self, count: int, *, calendar: str | None = None, name: str | None = None) -> str:
        """Add identical machines; a task whose machine is the pool occupies one of them."""
        return self._resource("pool", name, count=count, calendar=calendar)

    def add_renewable(
        self,
        capacity: int,
        *,
        steps: Sequence[tuple[int, int]] = (),
        calendar: str | None = None,
        name: str | None = None,
    ) -> str:
        """Add a resource with units that tasks hold while they run.

        ``steps`` are later changes ``(start, capacity)``.
        """
        rows = [{"start": start, "capacity": level} for start, level in steps]
        return self._resource("renewable", name, capacity=capacity, steps=rows, calendar=calendar)

    def add_consumable(self, capacity: int, *, name: str | None = None) -> str:
        """Add a stock whose units are used up."""
        return self._resource("consumable", name, capacity=capacity)

    def add_reservoir(
        self, initial: int, *, maximum: int | None = None, name: str | None = None
    ) -> str:
        """Add a stock that tasks take from at their start and fill at their end."""
        return self._resource("reservoir", name, initial=initial, maximum=maximum)

    def add_job(
        self,
        name: str | None = None,
        *,
        chain: bool = False,
        release: int = 0,
        due: int | None = None,
        deadline: int | None = None,
        weight: int = 1,
        no_wait: bool = False,
        blocking: bool = False,
        same_mode: bool = False,
    ) -> str:
        """Add a job; with ``chain`` its tasks run one after the other as they are added.

        In a chain, ``no_wait`` forbids pauses and ``blocking`` keeps the machine until the next
        task starts. With ``same_mode`` all its tasks run in the mode of the same index.
        """
        key = name or f"job {len(self._jobs) + 1}"
        tasks = self._tasks.setdefault(key, [])
        self._jobs.append(
            {
                "id": key,
                "tasks": tasks,
                "chain": chain,
                "release": release,
                "due": due,
                "deadline": deadline,
                "weight": weight,
                "no_wait": no_wait,
                "blocking": blocking,
                "same_mode": same_mode,
            }
        )
        return key

    def add_task(
        self,
        job: str,
        *,
        duration: int | None = None,
        machine: str | None = None,
        demands: Mapping[str, int] | None = None,
        supplies: Mapping[str, int] | None = None,
        state: str | None = None,
        size: int = 1,
        cost: int = 0,
        energy: int = 0,
        release: int = 0,
        deadline: int | None = None,
        optional: bool = False,
        skip_cost: int = 0,
        interruptible: bool = False,
        windows: Sequence[tuple[int, int]] = (),
        name: str | None = None,
    ) -> str:
        """Add a task to a job; with a duration also its first mode (see :meth:`add_mode`).

        An ``optional`` task may be skipped, for ``skip_cost``.
        An ``interruptible`` task may pause in breaks. It runs wholly inside one of its ``windows``
        ``(start, end)``, where it has any.
        """
        tasks = _added(self._tasks, job, "job")
        key = name or f"{job}.{len(tasks) + 1}"
        modes = self._modes.setdefault(key, [])
        tasks.append(
            {
                "id": key,
                "modes": modes,
                "release": release,
                "deadline": deadline,
                "optional": optional,
                "skip_cost": skip_cost,
                "interruptible": interruptible,
                "windows": [{"start": start, "end": end} for start, end in windows],
            }
        )
        if duration is not None:
            self.add_mode(
                key,
                duration=duration,
                machine=machine,
                demands=demands,
                supplies=supplies,
                state=state,
                size=size,
                cost=cost,
                energy=energy,
            )
        return key

    def add_mode(
        self,
        task: str,
        *,
        duration: int,
        machine: str | None = None,
        demands: Mapping[str, int] | None = None,
        supplies: Mapping[str, int] | None = None,
        state: str | None = None,
        size: int = 1,
        cost: int = 0,
        energy: int = 0,
    ) -> None:
        """Add one more way to carry out a task; ``size`` is what it takes of a batch."""
        mode = {
            "duration": duration,
            "machine": machine,
            "demands": dict(demands or {}),
            "supplies": dict(supplies or {}),
            "state": state,
            "size": size,
            "cost": cost,
            "energy": energy,
        }
        _added(self._modes, task, "task").append(mode)

    def add_precedence(
        self,
        before: str,
        after: str,
        *,
        kind: PrecedenceKind = "end-start",
        min_lag: int | None = 0,
        max_lag: int | None = None,
        transfer: int = 0,
    ) -> None:
        """Relate two tasks: ``min_lag <= y(after) - x(before) <= max_lag``.

        ``transfer`` is added to ``min_lag`` when the two run on different machines.
        """
        self._links.append(
            {
                "before": before,
                "after": after,
                "kind": kind,
                "min_lag": min_lag,
                "max_lag": max_lag,
                "transfer": transfer,
            }
        )

    def add_transport(self, origin: str, destination: str, time: int) -> None:
        """Add a least time between chained tasks that run on these machines."""
        entry = {"origin": origin, "destination": destination, "time": time}
        self._transports.append(entry)

    def keep_order(self, machines: Sequence[str]) -> None:
        """Let the jobs pass all these machines in the same order."""
        self._orders.append(list(machines))

    def add_alternative(
        self, routes: Sequence[Sequence[str]], *, within: str | None = None
    ) -> None:
        """Let exactly one of several routes of optional tasks run, if ``within`` does."""
        self._alternatives.append({"routes": [list(route) for route in routes], "within": within})

    def add_mode_rule(self, task: str, mode: int, other: str, modes: Sequence[int]) -> None:
        """Let ``other`` run in one of ``modes`` if ``task`` runs in ``mode`` (indices from 0)."""
        rule = {"task": task, "mode": mode, "other": other, "modes": list(modes)}
        self._mode_rules.append(rule)

    def keep_apart(self, tasks: Sequence[str]) -> None:
        """Let no two of these tasks run at the same time."""
        self._disjunctions.append(list(tasks))

    def forbid_swaps(self) -> None:
        """Let no blocking jobs exchange their machines in a cycle at the same moment."""
        self._swap = False

    def minimize(self, objective: str | Mapping[str, int] | Sequence[Any]) -> None:
        """Set the objective: a measure, ``{measure: weight}``, or a list of either (tiers)."""
        self._objective = objective

    def build(self) -> ScheduleProblem:
        """Validate everything at once and return the frozen problem.

        Raises
        ------
        InputError
            With every fault and its place.
        """
        return ScheduleProblem.model_validate(
            {
                "name": self._name,
                "resources": self._resources,
                "calendars": self._calendars,
                "jobs": self._jobs,
                "precedences": self._links,
                "transports": self._transports,
                "same_order": self._orders,
                "alternatives": self._alternatives,
                "mode_rules": self._mode_rules,
                "disjunctions": self._disjunctions,
                "swap": self._swap,
                "objective": self._objective,
            }
        )

    def _resource(self, kind: str, name: str | None, **fields: Any) -> str:
        key = name or f"{kind} {len(self._resources) + 1}"
        self._resources.append({"type": kind, "id": key, **fields})
        return key


def _added(table: dict[str, list[dict[str, Any]]], key: str, what: str) -> list[dict[str, Any]]:
    if key not in table:
        raise InputError.single(what, repr(key), f"the id of a {what} that was added")
    return table[key]
