"""Random clusters after the generator of "Priority Matters" (arXiv 2511.08373)."""

from __future__ import annotations

import numpy as np

from scheduling.models.placement.devices import WHOLE, gpu, gpu_share
from scheduling.models.placement.parts import Share
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution

_LARGEST_SET = 4
_LEAST, _MOST = 100, 1000
_MEGABYTE = 1_000_000


def random_cluster(
    *,
    nodes: int = 8,
    pods_per_node: int = 4,
    priorities: int = 4,
    usage: float = 1.0,
    gpus: int = 0,
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
    gpus
        GPUs of each node. Half of the sets, until ``usage`` of all GPUs is asked for, draw a
        quarter, a half or three quarters of one, or whole ones: 1, 2, 4 and so on.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    total = nodes * pods_per_node
    items: list[Item] = []
    number = 0
    shares = _GpuRequests(gpus, round(usage * nodes * gpus * WHOLE), seed)
    while len(items) < total:
        count = min(int(rng.integers(1, _LARGEST_SET + 1)), total - len(items))
        demands = {
            "cpu": int(rng.integers(_LEAST, _MOST + 1)),
            "memory": int(rng.integers(_LEAST, _MOST + 1)) * _MEGABYTE,
        }
        priority = int(rng.integers(1, priorities + 1))
        owner = f"rs-{number:03d}"
        taken = shares.draw(count)
        items += [
            Item(
                id=f"{owner}-{replica}",
                demands=demands,
                priority=priority,
                owner=owner,
                labels={"app": owner},
                shares=taken,
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
                parts=tuple(gpu(f"gpu-{index}") for index in range(gpus)),
            )
            for number in range(nodes)
        ),
        items=tuple(items),
    )


class _GpuRequests:
    """Draws of what sets ask of GPUs, apart from their other draws."""

    def __init__(self, gpus: int, left: int, seed: int) -> None:
        self._rng = np.random.default_rng([seed, gpus])
        self._left = left
        whole = [1 << power for power in range(gpus.bit_length())]
        self._requests = [(1, WHOLE * quarters // 4) for quarters in (1, 2, 3)]
        self._requests += [(count, WHOLE) for count in whole if count <= gpus]

    def draw(self, replicas: int) -> tuple[Share, ...]:
        """Return what each replica of the next set takes."""
        count, milli = self._requests[int(self._rng.integers(len(self._requests)))]
        none = self._rng.random() < 0.5
        asked = count * milli * replicas
        if none or asked > self._left:
            return ()
        self._left -= asked
        return (gpu_share(count, milli),)


def with_running(problem: PlacementProblem, solution: PlacementSolution) -> PlacementProblem:
    """Return the problem with items running where a placement puts them."""
    where = {entry.item: entry for entry in solution.placements}
    items = []
    for item in problem.items:
        entry = where.get(item.id)
        place = (None, ()) if entry is None else (entry.node, entry.parts)
        items.append(item.model_copy(update=dict(zip(("node", "parts"), place, strict=True))))
    return problem.model_copy(update={"items": tuple(items)})
