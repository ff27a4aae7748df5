"""Job shop files read with one more rule: blocking, or a limited number of operators.

Published studies take the files of the job shop and change the problem, so the format's name says
which is meant. Blocking, with and without swaps: Mascis, Pacciarelli (2002), "Job-shop scheduling
with blocking and no-wait constraints", EJOR 143(3). Operators: every running operation takes one
of k.
"""

from __future__ import annotations

from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.schedule.assemble import build, machines, shop_jobs
from scheduling.instances.schedule.features import demands, require
from scheduling.instances.schedule.jobshop import read_operations, shop_text
from scheduling.instances.text import labelled
from scheduling.models.base import Problem
from scheduling.models.schedule.problem import ScheduleProblem

OPERATORS = "operators"


def sniff_nothing(text: str) -> bool:  # noqa: ARG001 - a format is asked with the text
    """Never recognise a text: these formats must be named, the files are those of job shops."""
    return False


def read_blocking(text: str, source: str | None) -> ScheduleProblem:
    """Read a job shop without buffers: jobs keep their machine until the next one is free.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    return _blocking(text, source, swap=True)


def read_blocking_without_swaps(text: str, source: str | None) -> ScheduleProblem:
    """Read a job shop without buffers whose jobs never exchange machines in a cycle.

    Raises
    ------
    InputError
        With the line of the fault.
    """
    return _blocking(text, source, swap=False)


def _blocking(text: str, source: str | None, *, swap: bool) -> ScheduleProblem:
    count, operations = read_operations(text, source)
    jobs = [{**job, "blocking": True} for job in shop_jobs(operations)]
    return build(source, machines(count), jobs, swap=swap)


def write_blocking(problem: Problem) -> str:
    """Write a blocking job shop in JSPLIB layout, which does not say that it is one.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    shop = require(problem, "jsplib-blocking", frozenset({"machines", "blocking"}))
    return _blocking_text(shop, "jsplib-blocking")


def write_blocking_without_swaps(problem: Problem) -> str:
    """Write a blocking job shop without swaps in JSPLIB layout, which does not say that it is one.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    name = "jsplib-blocking-noswap"
    holds = frozenset({"machines", "blocking", "blocking without swaps"})
    shop = require(problem, name, holds)
    if shop.swap:
        text = f"format {name} holds only problems without swaps: write jsplib-blocking instead"
        raise UnsupportedError(text)
    return _blocking_text(shop, name)


def _blocking_text(shop: ScheduleProblem, name: str) -> str:
    if not all(job.blocking or len(job.tasks) == 1 for job in shop.jobs):
        text = f"format {name} holds only jobs that block: write .yaml or .json instead"
        raise UnsupportedError(text)
    return shop_text(shop)


def read_operators(text: str, source: str | None, operators: int | None = None) -> ScheduleProblem:
    """Read a job shop in which every running operation takes one of so many operators.

    Their number comes from the format's name or from a comment line ``# operators : 4``.

    Raises
    ------
    InputError
        With the line of the fault, and when nothing says how many operators there are.
    """
    if operators is None:
        operators = labelled(text, source, OPERATORS)
    if operators is None:
        expected = "format jsplib-operators:NUMBER, or a line «# operators : NUMBER»"
        raise InputError.single("line 1", "no number of operators", expected, source)
    count, operations = read_operations(text, source)
    jobs = shop_jobs(operations)
    for job in jobs:
        for task in job["tasks"]:
            task["modes"][0]["demands"] = {OPERATORS: 1}
    crew = {"type": "renewable", "id": OPERATORS, "capacity": operators}
    return build(source, [*machines(count), crew], jobs)


def write_operators(problem: Problem) -> str:
    """Write a job shop with operators in JSPLIB layout, their number in a comment.

    Raises
    ------
    UnsupportedError
        Naming what the layout cannot hold.
    """
    shop = require(problem, "jsplib-operators", frozenset({"machines", "renewables"}))
    crews = [resource for resource in shop.resources if resource.type == "renewable"]
    needs = [list(demands(task.modes[0]).values()) for task in shop.tasks if task.modes[0].duration]
    if len(crews) != 1 or not crews[0].capacity or any(need != [1] for need in needs):
        only = "job shops in which every operation takes one of a number of operators"
        text = f"format jsplib-operators holds only {only}: write .yaml or .json instead"
        raise UnsupportedError(text)
    return f"# {OPERATORS} : {crews[0].capacity}\n{shop_text(shop)}"
