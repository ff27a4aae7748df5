"""Typed scheduling problems: jobs, tasks, modes, resources, calendars and precedences.

Times are integers in the instance's own unit; intervals are half-open, ``[start, end)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.schedule.objective import Objective, makespan, parse_objective

if TYPE_CHECKING:
    from scheduling.models.schedule.solution import ScheduleSolution

MAX_TIME = 10**12
"""Largest time, lag or duration that is accepted: sums over a million tasks stay below 2**63."""

Time = Annotated[int, Field(ge=0, le=MAX_TIME)]
Lag = Annotated[int, Field(ge=-MAX_TIME, le=MAX_TIME)]
Amount = Annotated[int, Field(ge=0, le=10**9)]


Percent = Annotated[int, Field(ge=0, le=1000)]


class Break(Frozen):
    """A time window ``[start, end)`` in which work goes slower, faster, or not at all.

    A mode of duration d is ``100 * d`` units of work, and a unit of time does as many of them as
    the efficiency says; outside all windows 100.
    """

    start: Time
    end: Time
    efficiency: Percent = Field(
        default=0, description="Work done in a unit of time, in percent; 0: closed."
    )


class Calendar(Frozen):
    """Working times that resources share.

    ``breaks`` are there once, ``periodic`` ones lie in ``[0, period]`` and come back every
    ``period`` from time 0 on, for ever. Where several windows cover a moment, the least of their
    efficiencies counts. A task with several resources that have calendars works at the least of
    their efficiencies: it ends at the first t with ``work done in [start, t) >= 100 * duration``.
    It may not overlap closed time (efficiency 0), unless it is interruptible: then it makes no
    progress there, keeps its resources, and may only start at a moment that is open.
    """

    id: Name
    breaks: Many[Break] = ()
    period: Time | None = Field(default=None, description="Time after which they come back.")
    periodic: Many[Break] = Field(
        default=(), description="Windows inside [0, period] that come back every period."
    )


class Window(Frozen):
    """A time ``[start, end]`` in which a task may run."""

    start: Time
    end: Time


class Setup(Frozen):
    """Time that a machine needs between two tasks, by their states."""

    before: Name | None = Field(
        default=None, description="State of the task before; none: the machine's first task."
    )
    after: Name
    time: Time


class Machine(Frozen):
    """Unary resource: at most one task, or one batch of tasks, at a time.

    When task j directly follows task i on the machine, ``start_j >= end_i + setup``, with the
    setup of their modes' states; pairs that are not listed need no time. The first task starts at
    the setup from no state at the earliest.
    """

    type: Literal["machine"] = "machine"
    id: Name
    calendar: Name | None = Field(default=None, description="Calendar that it works by.")
    setups: Many[Setup] = ()
    idle_power: Amount = Field(
        default=0,
        description="Energy per unit of time in which it runs nothing, between its first start "
        "and its last release.",
    )
    no_idle: bool = Field(
        default=False,
        description="Between its first start and its last release it never stands still: each next "
        "task starts exactly when the one before leaves, after the setup between them.",
    )
    batch: Annotated[int, Field(ge=1, le=10**9)] | None = Field(
        default=None,
        description="Units that it runs at once: tasks of the same state and duration may start "
        "together while their sizes sum to at most this, others do not overlap. None: one task.",
    )


class Pool(Frozen):
    """``count`` identical machines: a task that names the pool occupies one of them.

    For all t: ``|{tasks i in the pool with start_i <= t < end_i}| <= count``. Which of the machines
    a task gets does not matter, so no solver distinguishes them.
    """

    type: Literal["pool"] = "pool"
    id: Name
    count: Annotated[int, Field(ge=1, le=10**9)]
    calendar: Name | None = Field(default=None, description="Calendar that it works by.")


class Step(Frozen):
    """From ``start`` on, the capacity is ``capacity`` (until the next step)."""

    start: Time
    capacity: Amount


class Renewable(Frozen):
    """Resource with ``capacity`` units at every moment, returned when a task ends.

    For all t: ``sum(amount_i for tasks i with start_i <= t < end_i) <= capacity(t)``. Its calendar
    says when it is closed; a task that pauses then keeps its units.
    """

    type: Literal["renewable"] = "renewable"
    id: Name
    capacity: Amount = Field(description="Units from time 0 until the first step.")
    steps: Many[Step] = Field(default=(), description="Later changes, by strictly rising start.")
    calendar: Name | None = Field(default=None, description="Calendar that it works by.")


class Consumable(Frozen):
    """Stock of ``capacity`` units over the whole schedule; used units are not returned."""

    type: Literal["consumable"] = "consumable"
    id: Name
    capacity: Amount


class Reservoir(Frozen):
    """Stock that tasks take from when they start and put into when they end.

    The level is ``initial`` at time 0, never negative and never above ``maximum``. What is put
    back at a moment can be taken at the same moment.
    """

    type: Literal["reservoir"] = "reservoir"
    id: Name
    initial: Amount
    maximum: Amount | None = None


Resource = Annotated[
    Machine | Pool | Renewable | Consumable | Reservoir, Field(discriminator="type")
]


class Mode(Frozen):
    """One way to carry out a task: how long, on which machine, with which demands."""

    duration: Time
    machine: Name | None = Field(
        default=None, description="Machine, or one of a pool, that it occupies while it runs."
    )
    demands: dict[Name, Amount] = Field(
        default_factory=dict,
        description="Units of renewables, consumables or (at the start) reservoirs, by id.",
    )
    supplies: dict[Name, Amount] = Field(
        default_factory=dict, description="Units put into reservoirs at the end, by id."
    )
    state: Name | None = Field(
        default=None, description="State it puts its machine into, for setups."
    )
    size: Annotated[int, Field(ge=1, le=10**9)] = Field(
        default=1, description="Units that it takes of a machine that runs batches."
    )
    cost: Amount = Field(default=0, description="Cost of the mode, for the measure cost.")
    energy: Amount = Field(default=0, description="Energy of the mode, for the measure energy.")


class Task(Frozen):
    """Smallest unit of work: runs once, in exactly one mode, from its start to its end."""

    id: Name
    modes: Many[Mode]
    release: Time = Field(default=0, description="Earliest start.")
    deadline: Time | None = Field(default=None, description="Latest end (hard).")
    optional: bool = Field(
        default=False, description="Whether it may be skipped; a skipped task binds nothing."
    )
    skip_cost: Amount = Field(default=0, description="Cost of skipping it, for the measure cost.")
    interruptible: bool = Field(
        default=False, description="May pause in breaks; it keeps its resources meanwhile."
    )
    windows: Many[Window] = Field(
        default=(), description="It runs wholly inside one of these; none: at any time."
    )


class Job(Frozen):
    """Tasks that belong together; it completes when its last task ends."""

    id: Name
    tasks: Many[Task]
    chain: bool = Field(
        default=False, description="Each task starts only after the one listed before it ends."
    )
    release: Time = Field(default=0, description="Earliest start of its tasks.")
    due: Time | None = Field(default=None, description="Due date, for tardiness measures (soft).")
    deadline: Time | None = Field(default=None, description="Latest completion (hard).")
    weight: Annotated[int, Field(ge=0, le=10**6)] = Field(
        default=1, description="Weight in the sums over jobs."
    )
    no_wait: bool = Field(
        default=False, description="Each task of the chain starts exactly when the one before ends."
    )
    blocking: bool = Field(
        default=False,
        description="A task of the chain keeps its machine until the next one starts; whether jobs "
        "may swap machines at the same moment, the problem's swap says.",
    )
    same_mode: bool = Field(
        default=False, description="All its tasks run in the mode of the same index."
    )


PrecedenceKind = Literal["end-start", "start-start", "end-end", "start-end"]


class Precedence(Frozen):
    """Time relation of two tasks: ``min_lag <= y(after) - x(before) <= max_lag``.

    ``kind`` names x and y: ``end-start`` takes x = end of ``before`` and y = start of ``after``.
    A missing lag is no limit on that side. When the two run on different machines, ``transfer`` is
    added to the minimal lag (communication cost of a task graph).
    """

    before: Name
    after: Name
    kind: PrecedenceKind = "end-start"
    min_lag: Lag | None = 0
    max_lag: Lag | None = None
    transfer: Time = 0


class Transport(Frozen):
    """Time to move a job from one machine to another, paid between tasks of a chain."""

    origin: Name
    destination: Name
    time: Time


class Alternative(Frozen):
    """Routes of optional tasks, of which exactly one is taken.

    All tasks of the route that is taken run, those of the others are skipped. With ``within`` this
    holds when that task runs; when it is skipped, so are all routes.
    """

    routes: Many[Many[Name]]
    within: Name | None = Field(default=None, description="Task that the choice belongs to.")


class ModeRule(Frozen):
    """If ``task`` runs in mode ``mode``, ``other``, if it runs, does so in one of ``modes``."""

    task: Name
    mode: Annotated[int, Field(ge=0)]
    other: Name
    modes: Many[Annotated[int, Field(ge=0)]]


class ScheduleProblem(Problem):
    """A scheduling problem: minimise an objective over start times and modes of all tasks.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["schedule"] = "schedule"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> ScheduleSolution: ...

    resources: Many[Resource] = ()
    calendars: Many[Calendar] = ()
    jobs: Many[Job]
    precedences: Many[Precedence] = ()
    transports: Many[Transport] = Field(
        default=(), description="Least time between chained tasks on these machines."
    )
    same_order: Many[Many[Name]] = Field(
        default=(), description="Groups of machines that all serve the jobs in the same order."
    )
    alternatives: Many[Alternative] = Field(
        default=(), description="Choices between routes of optional tasks."
    )
    mode_rules: Many[ModeRule] = Field(
        default=(), description="Modes of a task that others' modes demand."
    )
    swap: bool = Field(
        default=True,
        description="Jobs that keep their machines may exchange them in a cycle at one moment; "
        "otherwise the moves of a moment have an order in which each enters a machine that has "
        "been left.",
    )
    disjunctions: Many[Many[Name]] = Field(
        default=(), description="Groups of tasks of which no two run at the same time."
    )
    objective: Objective = Field(default_factory=makespan)

    @model_validator(mode="before")
    @classmethod
    def _short_objective(cls, data: Any) -> Any:
        if isinstance(data, dict) and "objective" in data:
            return {**data, "objective": parse_objective(data["objective"])}
        return data

    def _faults(self) -> list[Fault]:
        from scheduling.models.schedule.validation import find_faults

        return find_faults(self)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks, job by job: the order of every array over tasks."""
        return tuple(task for job in self.jobs for task in job.tasks)
