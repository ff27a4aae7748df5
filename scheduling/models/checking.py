"""``check``: the independent checker of every family behind one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scheduling.errors import InputError
from scheduling.models.allocation.check import check_allocation
from scheduling.models.allocation.problem import AllocationProblem
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.models.base import Problem, Solution, Violation, require_problem
from scheduling.models.batching.check import check_batching
from scheduling.models.batching.problem import BatchingProblem
from scheduling.models.batching.solution import BatchingSolution
from scheduling.models.caching.check import check_caching
from scheduling.models.caching.problem import CachingProblem
from scheduling.models.caching.solution import CachingSolution
from scheduling.models.check_front import check_front
from scheduling.models.checkpoint.check import check_checkpoint
from scheduling.models.checkpoint.problem import CheckpointProblem
from scheduling.models.checkpoint.solution import CheckpointSolution
from scheduling.models.edge.offline import offline as offline_of_edge
from scheduling.models.edge.problem import EdgeCloud
from scheduling.models.experts.check import check_experts
from scheduling.models.experts.problem import ExpertProblem
from scheduling.models.experts.solution import ExpertSolution
from scheduling.models.federated.check import check_federated
from scheduling.models.federated.problem import FederatedProblem
from scheduling.models.federated.solution import FederatedSolution
from scheduling.models.front import ParetoFront
from scheduling.models.loop.check import check_loop
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from scheduling.models.memory.check import check_memory
from scheduling.models.memory.problem import MemoryProblem
from scheduling.models.memory.solution import MemorySolution
from scheduling.models.offload.check import check_offload
from scheduling.models.offload.problem import OffloadProblem
from scheduling.models.offload.solution import OffloadSolution
from scheduling.models.ordering.check import check_ordering
from scheduling.models.ordering.problem import OrderingProblem
from scheduling.models.ordering.solution import OrderingSolution
from scheduling.models.packing.check import check_packing
from scheduling.models.packing.problem import PackingProblem
from scheduling.models.packing.solution import PackingSolution
from scheduling.models.pipeline.check import check_pipeline
from scheduling.models.pipeline.problem import PipelineProblem
from scheduling.models.pipeline.solution import PipelineSolution
from scheduling.models.placement.check import check_placement
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.models.prefill.check import check_prefill
from scheduling.models.prefill.problem import PrefillProblem
from scheduling.models.prefill.solution import PrefillSolution
from scheduling.models.ring.check import check_ring
from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution
from scheduling.models.schedule.check import check_schedule
from scheduling.models.schedule.online import OnlineSchedule
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.models.serving.check import check_serving
from scheduling.models.serving.problem import ServingProblem
from scheduling.models.serving.solution import ServingSolution
from scheduling.models.sharing.offline import offline as offline_of_cluster
from scheduling.models.sharing.problem import SharedCluster
from scheduling.models.spines.check import check_spines
from scheduling.models.spines.problem import LeafSpine
from scheduling.models.spines.solution import LeafSpineSolution
from scheduling.models.spot.check import check_spot
from scheduling.models.spot.problem import SpotProblem
from scheduling.models.spot.solution import SpotSolution
from scheduling.models.table.check import check_table
from scheduling.models.table.problem import TableProblem
from scheduling.models.table.solution import TableSolution
from scheduling.models.tiers.check import check_tiers
from scheduling.models.tiers.problem import TieredProblem
from scheduling.models.tiers.solution import TieredSolution

_Checker = Callable[[Any, Any], list[Violation]]

_CHECKERS: tuple[tuple[type[Problem], type[Solution], _Checker], ...] = (
    (ScheduleProblem, ScheduleSolution, check_schedule),
    (ScheduleProblem, ParetoFront, check_front),
    (ServingProblem, ParetoFront, check_front),
    (PlacementProblem, PlacementSolution, check_placement),
    (ExpertProblem, ExpertSolution, check_experts),
    (ServingProblem, ServingSolution, check_serving),
    (MemoryProblem, MemorySolution, check_memory),
    (CachingProblem, CachingSolution, check_caching),
    (BatchingProblem, BatchingSolution, check_batching),
    (PrefillProblem, PrefillSolution, check_prefill),
    (PackingProblem, PackingSolution, check_packing),
    (LoopProblem, LoopSolution, check_loop),
    (AllocationProblem, AllocationSolution, check_allocation),
    (TieredProblem, TieredSolution, check_tiers),
    (OrderingProblem, OrderingSolution, check_ordering),
    (PipelineProblem, PipelineSolution, check_pipeline),
    (SpotProblem, SpotSolution, check_spot),
    (TableProblem, TableSolution, check_table),
    (OffloadProblem, OffloadSolution, check_offload),
    (FederatedProblem, FederatedSolution, check_federated),
    (CheckpointProblem, CheckpointSolution, check_checkpoint),
    (RingProblem, RingSolution, check_ring),
    (LeafSpine, LeafSpineSolution, check_spines),
)
"""Which checker looks at which problem and answer."""


def offline_problem(problem: Problem) -> Problem:
    """Return what is solved when all of a problem is known from the start; most are it."""
    if isinstance(problem, OnlineSchedule):
        return problem.truth
    if isinstance(problem, SharedCluster):
        return offline_of_cluster(problem)
    if isinstance(problem, EdgeCloud):
        return offline_of_edge(problem)
    return problem


def check(problem: Problem, solution: Solution) -> list[Violation]:
    """Recompute feasibility and objective from the problem's definition alone.

    Parameters
    ----------
    problem
        Any typed problem of the library; of one that is revealed in time, its offline problem
        counts.
    solution
        An answer to it, from whatever source.

    Returns
    -------
    list of Violation
        Empty when the solution is valid and its certificate consistent.

    Raises
    ------
    InputError
        When the two are not of the same family.
    """
    require_problem(problem)
    if not isinstance(solution, Solution):
        found = type(solution).__name__
        raise InputError.single("solution", found, "what solve or read_solution returns")
    problem = offline_problem(problem)
    for stated, answered, checker in _CHECKERS:
        if isinstance(problem, stated) and isinstance(solution, answered):
            return checker(problem, solution)
    raise InputError.single("solution", f"kind {solution.kind!r}", f"kind {problem.kind!r}")
