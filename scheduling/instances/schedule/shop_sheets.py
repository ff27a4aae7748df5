"""Files of shop variants: numbers of jobs and machines, then a table of durations.

The numbers of jobs ``n`` and of machines (or stages) ``m``, each on a line of its own, then one row
of ``m`` durations per job. Some variants have a line before the table (machines per stage, due
dates, or the number of factories) or ``m`` matrices of setup times after it, row = job before.
The layouts are those of Naderi, Ruiz, Roshanaei (2023), "Mixed-integer programming vs. constraint
programming for shop scheduling problems", INFORMS Journal on Computing 35(4), and of PyJobShop's
experiments. Several variants share one layout, so that the content cannot tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scheduling.errors import UnsupportedError
from scheduling.instances.schedule import sheet_shops
from scheduling.instances.schedule.assemble import build
from scheduling.instances.schedule.features import require
from scheduling.instances.schedule.shape import shape_of
from scheduling.instances.schedule.sheet_shops import Sheet
from scheduling.instances.text import MAX_COUNT, Lines, head, is_integer, join_rows
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import ScheduleProblem, Task

_MATRICES = "setups"


@dataclass(frozen=True, slots=True)
class Variant:
    """A shop variant.

    Parameters
    ----------
    name
        Name of its format.
    summary
        One line for people.
    only
        What its files hold, for refusals.
    fields
        Translates a sheet into the fields of a problem.
    holds
        Features that it holds, see :func:`~.features.features`.
    extra
        What stands beside the durations: ``"stages"``, ``"dues"``, ``"factories"``, ``"setups"``
        or nothing.
    """

    name: str
    summary: str
    only: str
    fields: Callable[[Sheet], dict[str, Any]]
    holds: frozenset[str] = field(default=frozenset({"machines"}))
    extra: str = ""

    def read(self, text: str, source: str | None) -> ScheduleProblem:
        """Read a file of this variant.

        Raises
        ------
        InputError
            With the line of the fault.
        """
        return build(source, **self.fields(_read(Lines(text, source), self.extra)))

    def write(self, problem: Problem) -> str:
        """Write a shop; names are replaced by numbers.

        Raises
        ------
        UnsupportedError
            Naming what the layout cannot hold.
        """
        shop = require(problem, self.name, self.holds)
        sheet = _sheet(shop, self.extra)
        if sheet is None or shape_of(build(None, **self.fields(sheet))) != shape_of(shop):
            text = f"format {self.name} holds only {self.only}: write .yaml or .json instead"
            raise UnsupportedError(text)
        return _text(sheet, self.extra)

    def sniff(self, text: str) -> bool:
        """Tell whether the text has the rows of this variant's layout; others may share it."""
        return _layouts(text).get(self.extra, False)


def _read(lines: Lines, extra: str) -> Sheet:
    jobs = _one(lines, "the number of jobs")
    width = _one(lines, "the number of machines")
    factories, stages, dues = 1, [], []
    if extra == "factories":
        most = max(1, MAX_COUNT // (jobs * width))  # each operation has a mode per factory
        factories = _one(lines, "the number of factories", most)
    elif extra == "stages":
        row = lines.take("the machines of each stage")
        stages = lines.integers(row, "machines of each stage", count=width, low=1, high=10**9)
    elif extra == "dues":
        row = lines.take("the due dates")
        dues = lines.integers(row, "a due date per job", count=jobs)
    durations = _table(lines, jobs, width, "durations of job")
    names = range(1, width + 1) if extra == _MATRICES else ()
    setups = [_table(lines, jobs, jobs, f"setups on machine {name} after job") for name in names]
    lines.finish()
    return Sheet(durations, factories, stages, dues, setups)


def _one(lines: Lines, what: str, most: int = MAX_COUNT) -> int:
    row = lines.take(what)
    return lines.integers(row, what, count=1, low=1, high=most)[0]


def _table(lines: Lines, rows: int, width: int, what: str) -> list[list[int]]:
    table = []
    for number in range(1, rows + 1):
        row = lines.take(f"{what} {number} of {rows}")
        table.append(lines.integers(row, f"{what} {number}", count=width))
    return table


def _layouts(text: str) -> dict[str, bool]:
    """Tell which layouts the number of rows and the third row allow."""
    rows = [line.split() for line in head(text, 3)]
    if len(rows) < 3 or len(rows[0]) != 1 or len(rows[1]) != 1:
        return {}
    if not all(is_integer(part) for row in rows for part in row):
        return {}
    jobs, width, entries = int(rows[0][0]), int(rows[1][0]), len(rows[2])
    count = sum(1 for line in text.split("\n") if line.strip())
    headed = count == jobs + 3
    return {
        "": count == jobs + 2 and entries == width,
        "stages": headed and entries == width,
        "dues": headed and entries == jobs,
        "factories": headed and entries == 1,
        _MATRICES: count == jobs + 2 + width * jobs and entries == width,
    }


def _sheet(shop: ScheduleProblem, extra: str) -> Sheet | None:
    """Take the numbers out of a problem; ``None`` when they form no table."""
    first = shop.tasks[0]
    if extra == "" and len(shop.jobs[0].tasks) == 1 and len(first.modes) > 1:
        durations = [[mode.duration for mode in job.tasks[0].modes] for job in shop.jobs]
    else:
        durations = [[task.modes[0].duration for task in job.tasks] for job in shop.jobs]
    if len({len(row) for row in durations}) > 1:
        return None
    dues = [job.due for job in shop.jobs if job.due is not None]
    if extra == "dues" and len(dues) < len(shop.jobs):
        return None
    setups = _setups(shop) if extra == _MATRICES else []
    stages = [r.capacity for r in shop.resources if r.type == "renewable"]
    if setups is None or (extra == "stages" and len(stages) != len(durations[0])):
        return None
    return Sheet(durations, len(first.modes), stages, dues, setups)


def _setups(shop: ScheduleProblem) -> list[list[list[int]]] | None:
    """Return the setup times of each machine from job to job."""
    known = {machine.id: machine for machine in shop.resources if machine.type == "machine"}
    if any(len(job.tasks) != len(known) for job in shop.jobs):
        return None
    tables = []
    for position in range(len(known)):
        tasks: list[Task] = [job.tasks[position] for job in shop.jobs]
        machine = known.get(tasks[0].modes[0].machine or "")
        if machine is None:
            return None
        times = {(entry.before, entry.after): entry.time for entry in machine.setups}
        states = [task.modes[0].state for task in tasks]
        tables.append([[times.get((i, j), 0) if j else 0 for j in states] for i in states])
    return tables


def _text(sheet: Sheet, extra: str) -> str:
    rows = [[len(sheet.durations)], [len(sheet.durations[0])]]
    if extra == "factories":
        rows.append([sheet.factories])
    elif extra in ("stages", "dues"):
        rows.append(sheet.stages if extra == "stages" else sheet.dues)
    rows += sheet.durations
    if extra == _MATRICES:
        rows += [row for table in sheet.setups for row in table]
    return join_rows(rows)


_FLOW = frozenset({"machines", "same order"})

VARIANTS: tuple[Variant, ...] = (
    Variant(
        "osp",
        "open shops: operations of a job in any order",
        "open shops in which each job is once on every machine",
        sheet_shops.open_shop,
        frozenset({"machines", "renewables", "parallel tasks in a job"}),
    ),
    Variant(
        "pfsp",
        "permutation flow shops: one order of jobs for all machines",
        "flow shops with the same order of jobs on all machines",
        sheet_shops.permutation_flow_shop,
        _FLOW,
    ),
    Variant(
        "nw-pfsp",
        "permutation flow shops without waiting",
        "flow shops without waiting, with the same order of jobs on all machines",
        sheet_shops.no_wait_flow_shop,
        _FLOW | {"no-wait"},
    ),
    Variant(
        "tct-pfsp",
        "permutation flow shops, total completion time",
        "flow shops with the same order of jobs on all machines and total completion time",
        sheet_shops.completion_flow_shop,
        _FLOW | {"objectives other than makespan"},
    ),
    Variant(
        "tt-pfsp",
        "permutation flow shops with due dates, total tardiness",
        "flow shops with the same order of jobs on all machines, due dates and total tardiness",
        sheet_shops.tardiness_flow_shop,
        _FLOW | {"objectives other than makespan", "due dates"},
        "dues",
    ),
    Variant(
        "sdst-pfsp",
        "permutation flow shops with setup times between jobs",
        "flow shops with the same order of jobs on all machines",
        sheet_shops.setup_flow_shop,
        _FLOW | {"setups"},
        _MATRICES,
    ),
    Variant(
        "hfsp",
        "hybrid flow shops: identical machines at each stage",
        "hybrid flow shops in which each job passes all stages in the same order",
        sheet_shops.hybrid_flow_shop,
        frozenset({"renewables", "modes without a machine"}),
        "stages",
    ),
    Variant(
        "pmp",
        "unrelated parallel machines",
        "jobs of one task that may run on any machine",
        sheet_shops.parallel_machines,
        frozenset({"machines", "several modes"}),
    ),
    Variant(
        "dpfsp",
        "distributed permutation flow shops: each job in one of several equal factories",
        "flow shops in several equal factories, each with one order of jobs",
        sheet_shops.distributed_flow_shop,
        _FLOW | {"several modes", "same mode"},
        "factories",
    ),
)
"""All variants, in the order of the registry."""
