"""Whether the replicas of a serving fleet lie on nodes and domains as their templates ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from scheduling.models.base import Violation
from scheduling.models.serving.problem import Pool, ServingProblem, Template
from scheduling.models.serving.solution import Fleet, NodeUse, ServingSolution


def place_violations(problem: ServingProblem, solution: ServingSolution) -> Iterator[Violation]:
    """Yield every replica or site that does not stand where it must."""
    templates = {template.id: template for template in problem.templates}
    pools = {pool.id: pool for pool in problem.pools}
    used: dict[str, Counter[int]] = {pool.id: Counter() for pool in problem.pools}
    sound = True
    for fleet in solution.fleets:
        template = templates[fleet.template]
        for violation in _places(fleet, template, pools[template.pool]):
            sound = False
            yield violation
        for uses in fleet.places:
            for use in uses:
                used[template.pool][use.node] += use.gpus
        if not fleet.places:
            used[template.pool][0] += fleet.replicas * template.gpus
    for pool in problem.pools:
        yield from _room(pool, used[pool.id])
    if sound:
        yield from _domains(problem, solution)
    if problem.kv_affinity == "low":
        yield from _sites(problem, solution)
    elif solution.sites:
        yield Violation("site", "sites without kv_affinity low")


def _places(fleet: Fleet, template: Template, pool: Pool) -> Iterator[Violation]:
    where = f"template {fleet.template!r}"
    if pool.nodes is None:
        if fleet.places:
            yield Violation("places", f"{where} in a pool without nodes")
        return
    if len(fleet.places) != fleet.replicas:
        yield Violation("places", f"{len(fleet.places)} for {fleet.replicas} replicas of {where}")
    for number, uses in enumerate(fleet.places):
        total = sum(use.gpus for use in uses)
        if total != template.layout.gpus:
            found = f"{total} GPUs for replica {number} of {where}"
            yield Violation("places", found, abs(total - template.layout.gpus), "GPUs")
        if any(use.node >= pool.nodes for use in uses):
            yield Violation("places", f"unknown node for replica {number} of {where}")
        elif not _in_groups(uses, template, pool):
            yield Violation("domain", f"replica {number} of {where} does not lie in domains")


def _in_groups(uses: tuple[NodeUse, ...], template: Template, pool: Pool) -> bool:
    """Tell whether the uses are whole groups, each on a node or on whole nodes of a domain."""
    node, group = pool.gpus_per_node or 1, template.group
    if group <= node:
        return all(use.gpus % group == 0 for use in uses)
    nodes_per_domain = (pool.domain or node) // node
    held: Counter[int] = Counter()
    for use in uses:
        if use.gpus != node:
            return False
        held[use.node // nodes_per_domain] += 1
    return all(count % (group // node) == 0 for count in held.values())


def _room(pool: Pool, used: Counter[int]) -> Iterator[Violation]:
    if pool.nodes is None:
        if used[0] > pool.size:
            yield Violation("pool", f"pool {pool.id!r}", used[0] - pool.size, "GPUs")
        return
    for node, gpus in used.items():
        room = pool.gpus_per_node or 0
        if gpus > room:
            where = f"node {node} of pool {pool.id!r}"
            yield Violation("pool", where, gpus - room, "GPUs")


def _domains(problem: ServingProblem, solution: ServingSolution) -> Iterator[Violation]:
    """Yield nodes of several domains whose groups cannot be parted among these."""
    for pool in problem.pools:
        node, domain = pool.gpus_per_node, pool.domain
        if node is None or domain is None or domain >= node:
            continue
        groups: dict[int, list[int]] = {}
        for fleet in solution.fleets:
            template = next(t for t in problem.templates if t.id == fleet.template)
            if template.pool == pool.id:
                for use in (use for uses in fleet.places for use in uses):
                    entry = groups.setdefault(use.node, [])
                    entry += [template.group] * (use.gpus // template.group)
        for number, sizes in groups.items():
            if not _parted(sorted(sizes, reverse=True), [domain] * (node // domain)):
                where = f"node {number} of pool {pool.id!r}"
                yield Violation("domain", f"the groups on {where} fit into no domains")


def _parted(sizes: list[int], rooms: list[int]) -> bool:
    """Tell whether sizes fit into bins, trying all ways."""
    if not sizes:
        return True
    size, rest = sizes[0], sizes[1:]
    tried = set()
    for index, room in enumerate(rooms):
        if room >= size and room not in tried:
            tried.add(room)
            if _parted(rest, [*rooms[:index], room - size, *rooms[index + 1 :]]):
                return True
    return False


def _sites(problem: ServingProblem, solution: ServingSolution) -> Iterator[Violation]:
    templates = {template.id: template for template in problem.templates}
    expected: dict[str, Counter[tuple[tuple[int, int], ...]]] = {}
    for number, site in enumerate(solution.sites):
        members = [templates[name] for name in site.replicas]
        kinds = {(member.model, member.pool, member.groups) for member in members}
        if len(kinds) != 1 or any(member.role == "both" for member in members):
            yield Violation("site", f"site {number} mixes models, pools, groups or roles")
            continue
        for nodes in site.places:
            if len(nodes) != members[0].groups:
                yield Violation("site", f"site {number} has {len(nodes)} nodes")
            for member in members:
                held: Counter[int] = Counter()
                for node in nodes:
                    held[node] += member.group
                key = tuple(sorted(held.items()))
                counts = expected.setdefault(member.id, Counter())
                counts[key] += site.replicas[member.id]
    for template in problem.templates:
        if template.role == "both":
            continue
        fleets = [fleet for fleet in solution.fleets if fleet.template == template.id]
        placed = Counter(_key(uses) for fleet in fleets for uses in fleet.places)
        if placed != expected.get(template.id, Counter()):
            where = f"replicas of template {template.id!r} are not those of its sites"
            yield Violation("site", where)


def _key(uses: tuple[NodeUse, ...]) -> tuple[tuple[int, int], ...]:
    held: Counter[int] = Counter()
    for use in uses:
        held[use.node] += use.gpus
    return tuple(sorted(held.items()))
