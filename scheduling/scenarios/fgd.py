"""Fragmentation gradient descent: GPUs that no arriving pod can use, rule by rule.

"Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent"
(Weng and others, USENIX ATC 2023) lets pods drawn from Alibaba's trace arrive until they ask for
all GPUs of the cluster, places each by a rule, never moves one, and counts the GPUs that stay
unallocated. The rules are those of its figures; beside them stands a plan that knows all pods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.errors import InputError
from scheduling.instances.files import read
from scheduling.instances.placement.openb import gpu_request
from scheduling.models.placement.compiling import compile_placement
from scheduling.models.placement.devices import MILLI, WHOLE
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve
from scheduling.solvers.placement.state import State

PODS = "gpu_openb_2023/openb_pod_list_default.csv"
NODES = "gpu_openb_2023/openb_node_list_gpu_node.csv"

RULES = ("best-fit", "dot-product", "gpu-packing", "gpu-clustering", "fgd")
LEVELS = (90, 95, 100)
"""Percent of all GPUs that pods have asked for when the GPUs left over are counted."""

_PUBLISHED = "up to 49 % fewer unallocated GPUs than existing rules, 290 of 6,200 (abstract)"
_NODES = (25, 50, 100, 200, 400, 800, 1600)
"""Sizes of clusters, of which the largest is run that the time allows."""

PLAN = "plan of all pods"
"""What knows all pods from the start; it is compared when all have arrived."""

_PLAN_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Cluster:
    """Empty nodes and pods in the order of their arrival.

    Attributes
    ----------
    problem
        The problem; its items arrive one after the other.
    gpus
        Thousandths of GPUs in all.
    """

    problem: PlacementProblem
    gpus: int

    def left_over(self, placed: frozenset[str], percent: int) -> float:
        """GPUs that are unallocated when arrivals have asked for a share of all, in percent."""
        asked = allocated = 0
        for item in self.problem.items:
            asked += gpu_request(item)
            if 100 * asked > percent * self.gpus:
                break
            allocated += gpu_request(item) if item.id in placed else 0
        return 100.0 * (self.gpus - allocated) / self.gpus


def arrivals(problem: PlacementProblem, *, nodes: int, seed: int) -> Cluster:
    """Draw nodes and pods of a problem, pods with replacement, until they ask for all GPUs.

    Parameters
    ----------
    problem
        Pods that wait for empty nodes.
    nodes
        How many nodes to take, at random.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    count = min(nodes, len(problem.nodes))
    chosen = np.sort(rng.choice(len(problem.nodes), size=count, replace=False))
    hosts = tuple(problem.nodes[row] for row in chosen.tolist())
    gpus = sum(part.capacity.get(MILLI, 0) for node in hosts for part in node.parts)
    items: list[Item] = []
    asked = 0
    while asked <= max(LEVELS) * gpus // 100:
        pod = problem.items[int(rng.integers(len(problem.items)))]
        items.append(pod.model_copy(update={"id": f"pod-{len(items):05d}", "priority": 0}))
        asked += gpu_request(pod)
    drawn = problem.model_copy(update={"nodes": hosts, "items": tuple(items), "goals": ()})
    return Cluster(drawn, gpus)


def answer_of(cluster: Cluster, rule: str) -> PlacementSolution:
    """Place the pods by a rule, one after the other."""
    answer: PlacementSolution = solve(cluster.problem, f"greedy:{rule}", work_limit=1.0, workers=1)
    return answer


def placed_by(answer: PlacementSolution) -> frozenset[str]:
    """Return the pods that found a node."""
    return frozenset(entry.item for entry in answer.placements)


def placed_at_random(cluster: Cluster, seed: int) -> frozenset[str]:
    """Return the pods that find a node when each takes any with room."""
    arrays = compile_placement(cluster.problem)
    state, rng = State(arrays, arrays.now), np.random.default_rng(seed)
    for item in range(arrays.n_items):
        options = np.flatnonzero(state.options(item))
        if options.size:
            state.put(item, int(rng.choice(options)))
    return frozenset(np.array(arrays.item_ids)[state.node >= 0].tolist())


def planned(cluster: Cluster, start: PlacementSolution, seconds: float) -> PlacementSolution:
    """Place the pods as one who knows all of them: most GPUs first, from an answer on."""
    items = tuple(
        item.model_copy(update={"priority": gpu_request(item) // WHOLE})
        for item in cluster.problem.items
    )
    known = cluster.problem.model_copy(update={"items": items})
    answer: PlacementSolution = solve(known, "auto", time_limit=seconds, hint=start)
    return answer


def run(limits: Run) -> list[Row]:
    """Run all rules on as many nodes as the time allows."""
    limits.file("fgd", NODES)
    problem = read(limits.file("fgd", PODS))
    if not isinstance(problem, PlacementProblem):
        raise InputError.single(
            PODS, f"a problem of kind {problem.kind}", "pods that wait for nodes"
        )

    def ruled(nodes: int) -> tuple[Cluster, dict[str, PlacementSolution]]:
        cluster = arrivals(problem, nodes=nodes, seed=0)
        return cluster, {rule: answer_of(cluster, rule) for rule in RULES}

    sizes = [size for size in _NODES if size < len(problem.nodes)]
    # Pods grow with the nodes on which each is tried.
    for_rules = Run((1 - _PLAN_SHARE) * limits.left, limits.data)
    cluster, answers = for_rules.largest([*sizes, len(problem.nodes)], ruled, power=2)
    found = {"random fit": placed_at_random(cluster, 0)}
    found |= {rule: placed_by(answer) for rule, answer in answers.items()}
    found[PLAN] = placed_by(planned(cluster, answers["fgd"], max(1.0, limits.left)))
    return rows(cluster, found)


def rows(cluster: Cluster, found: dict[str, frozenset[str]]) -> list[Row]:
    """Return a row for each level and rule; the baseline is the best rule before FGD."""
    nodes = len(cluster.problem.nodes)
    result = []
    for percent in LEVELS:
        left = {name: cluster.left_over(placed, percent) for name, placed in found.items()}
        best = min((name for name in RULES if name != "fgd"), key=left.__getitem__)
        # What nobody has asked for stays unallocated whatever the rule.
        least = 100.0 - percent
        for name, value in left.items():
            if name == PLAN and percent < max(LEVELS):
                continue
            fewer = 100.0 * (1 - value / left[best]) if left[best] else 0.0
            result.append(
                Row(
                    case=f"{nodes} nodes, {cluster.gpus // WHOLE} GPUs; pods ask for {percent} %",
                    measure="unallocated GPUs, %",
                    baseline=best,
                    baseline_value=left[best],
                    method=name,
                    value=value,
                    gap=(value - least) / value if least and value else None,
                    published=_PUBLISHED if name == "fgd" else None,
                    verdict=f"{abs(fewer):.0f} % {'fewer' if fewer >= 0 else 'more'} than {best}",
                )
            )
    return result


SCENARIO = Scenario(
    name="fgd",
    system="FGD: GPU-sharing pods by fragmentation gradient descent (USENIX ATC 2023)",
    problem="pods that share GPUs, least fragmentation",
    wants=f"{PODS} and {NODES}",
    run=run,
    targets=(
        Target(
            ("^fgd$", "ask for 100 %"),
            at_least=0.51,
            at_most=0.95,
            better="less",
            otherwise="one cluster of the trace's nodes, not all of them",
        ),
    ),
)
