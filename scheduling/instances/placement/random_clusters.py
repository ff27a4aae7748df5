"""Random clusters after the generator of "Priority Matters" (arXiv 2511.08373)."""

from __future__ import annotations

import numpy as np

from scheduling.models.placement.problem import Item, Node, PlacementProblem

_LARGEST_SET = 4
_LEAST, _MOST = 100, 1000
_MEGABYTE = 1_000_000


def random_cluster(
    *,
    nodes: int = 8,
    pods_per_node: int = 4,
    priorities: int = 4,
    usage: float = 1.0,
    seed: int = 0,
) -> PlacementProblem:
    """Generate pending replica sets for a cluster of equal nodes.

    ReplicaSets of 1 to 4 equal pods are drawn until there are ``nodes * pods_per_node`` pods. Each
    draws 100 to 1000 milli-CPU, 100 to 1000 MB and a priority. A node's capacity is, for each
    resource, the sum of all requests over ``usage * nodes``, rounded up, and at least the largest
    request: with a usage above 1 not everything fits.

    Parameters
    ----------
    nodes, pods_per_node, priorities
        Sizes.
    usage
        Share of the whole capacity that all pods together request.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    total = nodes * pods_per_node
    items: list[Item] = []
    number = 0
    while len(items) < total:
        count = min(int(rng.integers(1, _LARGEST_SET + 1)), total - len(items))
        demands = {
            "cpu": int(rng.integers(_LEAST, _MOST + 1)),
            "memory": int(rng.integers(_LEAST, _MOST + 1)) * _MEGABYTE,
        }
        priority = int(rng.integers(1, priorities + 1))
        owner = f"rs-{number:03d}"
        items += [
            Item(
                id=f"{owner}-{replica}",
                demands=demands,
                priority=priority,
                owner=owner,
                labels={"app": owner},
            )
            for replica in range(count)
        ]
        number += 1
    capacity = {}
    for name in ("cpu", "memory"):
        needs = [item.demands[name] for item in items]
        within = -(-sum(needs) * 1000 // round(usage * 1000))
        capacity[name] = max(*needs, -(-within // nodes))
    return PlacementProblem(
        name=f"cluster-{nodes}x{pods_per_node}-p{priorities}-u{round(usage * 100)}-s{seed}",
        nodes=tuple(
            Node(
                id=f"node-{number:03d}",
                capacity=capacity,
                labels={"kubernetes.io/hostname": f"node-{number:03d}"},
            )
            for number in range(nodes)
        ),
        items=tuple(items),
    )


def with_running(problem: PlacementProblem, placed: dict[str, str]) -> PlacementProblem:
    """Return the problem with items running where a placement puts them, by their names."""
    items = tuple(item.model_copy(update={"node": placed.get(item.id)}) for item in problem.items)
    return problem.model_copy(update={"items": items})
