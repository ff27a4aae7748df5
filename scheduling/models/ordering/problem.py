"""Typed problems of ordering: a batch of transactions that conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Many, Problem

if TYPE_CHECKING:
    from scheduling.models.ordering.solution import OrderingSolution

MOST_TRANSACTIONS = 2000

Line = Annotated[str, Field(min_length=1, max_length=10**5)]


class OrderingProblem(Problem):
    """A problem of ordering: transactions one after the other, so that all of them end early.

    A transaction is a row of operations of one unit of time each: ``r-KEY`` reads a key, ``w-KEY``
    writes it, ``*`` is work without one. Two operations conflict when they are on one key and at
    least one of them writes. Taken in an order, each transaction starts at the earliest time, 1 or
    later, at which each of its operations comes after all operations of earlier transactions that
    it conflicts with. The makespan is the time of the last operation.

    Source: the transaction task of "Barbarians at the Gate" (arXiv 2510.06189).

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["ordering"] = "ordering"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> OrderingSolution: ...

    transactions: Annotated[Many[Line], Field(min_length=1, max_length=MOST_TRANSACTIONS)]

    def _faults(self) -> list[Fault]:
        from scheduling.models.ordering.validation import find_faults

        return find_faults(self)
