"""The checker of orders: every rule broken once; faults of problems; round trips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.documents import read_json_problem, write_json_problem
from scheduling.models.ordering.arrays import FREE, compile_ordering
from scheduling.models.ordering.bounds import makespan_bound
from scheduling.models.ordering.check import run
from scheduling.models.ordering.problem import OrderingProblem
from scheduling.models.ordering.solution import OrderingSolution
from tests.ordering import batches, best_makespan
from tests.properties import examples

WORKED = OrderingProblem(transactions=("r-1 w-2", "w-1 *", "* r-2"))


def answer(order: list[int], makespan: int, fields: dict[str, Any] | None = None) -> set[str]:
    tier = {"name": "makespan", "objective": makespan, "bound": makespan, "gap": 0.0}
    document = {
        "kind": "ordering",
        "status": "optimal",
        "tiers": [tier],
        "objective": makespan,
        "bound": makespan,
        "gap": 0.0,
        "order": order,
    }
    found = sch.check(WORKED, OrderingSolution.model_validate(document | (fields or {})))
    return {violation.constraint for violation in found}


def test_a_batch_by_hand() -> None:
    # The second one's write comes after the first one's read at 1; the third one's read after 2.
    assert answer([0, 1, 2], 3) == set()
    assert answer([1, 0, 2], 4) == set()
    lag = compile_ordering(WORKED).lag
    assert lag.tolist() == [[FREE, 1, 1], [1, FREE, FREE], [1, FREE, FREE]]


@pytest.mark.parametrize(
    ("order", "makespan", "constraint"),
    [
        ([0, 1], 3, "order"),
        ([0, 1, 1], 3, "order"),
        ([0, 1, 3], 3, "order"),
        ([1, 0, 2], 3, "objective"),
    ],
)
def test_each_rule_is_checked(order: list[int], makespan: int, constraint: str) -> None:
    assert constraint in answer(order, makespan)


def test_claims_are_recomputed() -> None:
    assert "status" in answer([0, 1, 2], 3, {"status": "feasible"})
    assert answer([], 3, {"status": "infeasible"}) == {"objective", "status"}


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ([], "transactions"),
        (["r-1", ""], "transactions[1]"),
        (["r-1", " "], "transactions[1]"),
        (["x-1"], "transactions[0]"),
        (["r-"], "transactions[0]"),
    ],
)
def test_faults_name_their_place(lines: list[str], place: str) -> None:
    with pytest.raises(InputError) as caught:
        OrderingProblem.model_validate({"kind": "ordering", "transactions": lines})
    assert place in str(caught.value)


@given(problem=batches(), data=st.data())
@examples(150)
def test_separations_are_what_operations_ask_for(
    problem: OrderingProblem, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(problem.transactions))))
    assert compile_ordering(problem).makespan(order) == run(problem, order)


@given(problem=batches())
@examples(80)
def test_the_bound_by_formula_holds(problem: OrderingProblem) -> None:
    assert makespan_bound(compile_ordering(problem)) <= best_makespan(problem)


@given(problem=batches())
def test_documents_round_trip(problem: OrderingProblem) -> None:
    assert read_json_problem(write_json_problem(problem), None) == problem
