"""The family ``federated`` as the driver sees it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from scheduling.models.federated.arrays import FederatedArrays, Steps, compile_federated
from scheduling.models.federated.bounds import spread_bound
from scheduling.models.federated.check import check_federated
from scheduling.models.federated.problem import FederatedProblem
from scheduling.models.federated.solution import ClientSteps, FederatedSolution
from scheduling.solvers.board import Board
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledFederated(Compiled[FederatedProblem, FederatedArrays, Steps, FederatedSolution]):
    """A problem with its times; a candidate has the steps of each client."""

    solution = FederatedSolution

    @staticmethod
    def compiled(problem: FederatedProblem) -> FederatedArrays:
        """Compile the times."""
        return compile_federated(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("spread",)

    @property
    def units(self) -> tuple[Fraction, ...]:
        """Seconds."""
        return (self.arrays.unit,)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [spread_bound(self.arrays)]

    def values(self, candidate: Steps) -> tuple[int, ...]:
        """Value of each tier."""
        return (self.arrays.spread(candidate),)

    def candidate(self, solution: FederatedSolution) -> Steps | None:
        """Translate a solution; one without steps for each client is none."""
        given = {entry.client: entry.steps for entry in solution.clients}
        found = [given.get(client.id) for client in self.problem.clients]
        known = tuple(steps for steps in found if steps is not None)
        return known if len(known) == len(found) else None

    def fields(self, candidate: Steps) -> dict[str, Any]:
        """Return the steps of the solution."""
        rows = zip(self.problem.clients, candidate, strict=True)
        return {
            "clients": tuple(ClientSteps(client=client.id, steps=steps) for client, steps in rows)
        }


def offer(data: CompiledFederated, board: Board[Steps], steps: Steps, solver: str) -> bool:
    """Post steps; tell whether they are the best so far."""
    return board.offer(steps, data.values(steps), solver)


FAMILY: Family[Steps] = Family(
    kind="federated",
    compile=CompiledFederated,
    check=check_federated,
    home="scheduling.solvers.federated",
    solvers={
        "auto": "spreads:Auto",
        "sweep": "spreads:Sweep",
        "compass": "spreads:Compass",
        "equal": "spreads:Equal",
    },
)
