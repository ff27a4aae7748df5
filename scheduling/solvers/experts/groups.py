"""Which node each group stands on: a small partition problem that bounds every load."""

from __future__ import annotations

import numpy as np

from scheduling.models.experts.arrays import Ints
from scheduling.models.experts.problem import LOAD_SCALE
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.experts.eplb import fill_nodes, offer
from scheduling.solvers.experts.family import CompiledExperts

NAME = "groups"


def settle_groups(data: CompiledExperts, board: Board[Ints], budget: Budget) -> None:
    """Balance the loads of groups over nodes, post the placement that follows, and the bound.

    A node's load is that of its groups, whatever the copies; its busiest device has at least the
    mean of its devices. The least largest mean over all assignments of groups is a bound.
    """
    from ortools.sat.python import cp_model

    from scheduling.solvers.cpsat.running import run
    from scheduling.solvers.cpsat.settings import sat_parameters
    from scheduling.solvers.cpsat.stopping import StopSwitch

    arrays, model = data.arrays, cp_model.CpModel()
    loads = np.bincount(arrays.group, arrays.load, arrays.n_groups).astype(np.int64).tolist()
    groups, nodes = range(arrays.n_groups), range(arrays.n_nodes)
    home = [[model.new_bool_var("") for _ in nodes] for _ in groups]
    value = model.new_int_var(0, LOAD_SCALE * sum(loads), "")
    for row in home:
        model.add_exactly_one(row)
    for node in nodes:
        devices = int((arrays.node == node).sum())
        model.add(sum(row[node] for row in home) == arrays.n_groups // arrays.n_nodes)
        held = sum(LOAD_SCALE * load * row[node] for load, row in zip(loads, home, strict=True))
        model.add(held <= devices * value)
    model.minimize(value)
    result = run(model, sat_parameters(budget), switch=StopSwitch(board))
    if result.bound is not None:
        board.raise_bound(result.bound, NAME)
    if result.values is not None:
        chosen = [[result.values[literal.index] for literal in row] for row in home]
        filled = fill_nodes(arrays, np.argmax(chosen, axis=1))
        if filled is not None:
            offer(data, board, filled, NAME)
