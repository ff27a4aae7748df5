"""Solvers that send tasks by a rule: least marginal cost, pheromones, load, in turn."""

from __future__ import annotations

import numpy as np

from scheduling.models.offload.problem import Assignment
from scheduling.solvers.bases import NeedsNothing, OnePass
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.offload.family import CompiledOffload, offer
from scheduling.solvers.offload.rules import ant_colony, greedy, least_loaded, round_robin

_WEIGHTS = 21

MOST_TASKS = 200
"""Most tasks of rules that evaluate all tasks of a server for each choice."""


class _Small(NeedsNothing):
    """Base of solvers that take few tasks."""

    def refusal(self, data: CompiledOffload) -> str | None:
        """Refuse problems for which one assignment takes seconds."""
        tasks = len(data.arrays.tasks)
        return f"{tasks} tasks, above {MOST_TASKS}; use moves" if tasks > MOST_TASKS else None


class Greedy(_Small):
    """Each task, as it comes, where it raises the weighted cost least, for evenly spaced weights.

    The weight of the first goal comes first. One work unit is all weights.
    """

    name = "greedy"
    summary = "least marginal cost of each task as it comes, for several weights"

    def search(
        self,
        data: CompiledOffload,
        board: Board[Assignment],
        budget: Budget,
        hint: Assignment | None,  # noqa: ARG002
    ) -> None:
        """Post the assignment of each weight."""
        weights = np.linspace(1.0, 0.0, _WEIGHTS).tolist()
        if data.arrays.goals[0] == "energy":
            weights.reverse()
        for weight in weights:
            offer(data, board, greedy(data.problem, weight), self.name)
            if board.stopped or budget.remaining() == 0:
                return


class AntColony(_Small):
    """Ants by pheromones over the time that tasks take alone, for the first goal."""

    name = "ant-colony"
    summary = "pheromones over the time that tasks take alone"

    def search(
        self,
        data: CompiledOffload,
        board: Board[Assignment],
        budget: Budget,
        hint: Assignment | None,  # noqa: ARG002
    ) -> None:
        """Post what the ants find."""
        weight = float(data.arrays.goals[board.tier] == "delay")
        offer(data, board, ant_colony(data.problem, weight, seed=budget.seed), self.name)


class LeastLoaded(OnePass):
    """Each task, as it comes, where it alone would be done first by the work sent so far."""

    name = "least-loaded"
    summary = "each task where it is done first by the work sent so far"

    def post(self, data: CompiledOffload, board: Board[Assignment]) -> None:
        """Post the assignment."""
        offer(data, board, least_loaded(data.problem), self.name)


class RoundRobin(OnePass):
    """Tasks to their servers in turn."""

    name = "round-robin"
    summary = "tasks to their servers in turn"

    def post(self, data: CompiledOffload, board: Board[Assignment]) -> None:
        """Post the assignment."""
        offer(data, board, round_robin(data.problem), self.name)
