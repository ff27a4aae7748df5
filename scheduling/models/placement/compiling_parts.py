"""From parts of nodes and shares of items to arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scheduling.models.placement.compiling_time import Moments
from scheduling.models.placement.part_arrays import (
    Flags,
    FragmentArrays,
    Ints,
    PartArrays,
    PartDomains,
    Places,
    ShareArrays,
)
from scheduling.models.placement.problem import Item, PlacementProblem


@dataclass(frozen=True, eq=False)
class CompiledParts:
    """Parts in arrays, and what follows from them for whole nodes.

    Attributes
    ----------
    parts
        The arrays.
    now
        (n,) place of each item now, -1 where it runs nowhere.
    fragment
        What the goal ``fragments`` measures.
    demand, capacity
        (K, E) and (m, E): sums over the parts of a node as further resources of it. They are
        necessary for the items of a node to fit into its parts, not sufficient.
    """

    parts: PartArrays
    now: Ints
    fragment: FragmentArrays | None
    demand: Ints
    capacity: Ints


def share_traits(item: Item) -> tuple[object, ...]:
    """Return what tells items apart by the parts they ask for."""
    shares = (
        (share.kind, share.count, tuple(tuple(sorted(o.items())) for o in share.options))
        for share in item.shares
    )
    return (*shares, item.together)


def compile_parts(
    problem: PlacementProblem,
    places: Places,
    samples: Sequence[Item],
    of_class: Ints,
    moments: Moments,
) -> CompiledParts:
    """Translate the parts of a problem.

    Parameters
    ----------
    problem
        The problem.
    places
        Numbers of places, to which those of what runs now are added.
    samples
        One item of each class.
    of_class
        (n,) class of each item.
    moments
        When the items of each class are there; what is taken of parts at one of several moments
        is a resource of its own.
    """
    return _Compiler(problem, places, samples, of_class, moments).run()


class _Compiler:
    def __init__(
        self,
        problem: PlacementProblem,
        places: Places,
        samples: Sequence[Item],
        of_class: Ints,
        moments: Moments,
    ) -> None:
        self._problem, self._places = problem, places
        self._samples, self._of_class = samples, of_class
        wanted = {share.kind for item in samples for share in item.shares}
        stated = (problem.fragment, problem.balance, problem.workload)
        measured = [entry for entry in stated if entry is not None]
        requests = () if problem.workload is None else problem.workload.requests
        asked = [share for request in requests for share in request.shares]
        wanted |= {share.kind for share in asked}
        wanted |= {entry.kind for entry in measured if entry.kind is not None}
        found = [
            (row, part)
            for row, node in enumerate(problem.nodes)
            for part in node.parts
            if part.kind in wanted
        ]
        self._known: dict[tuple[object, ...], tuple[ShareArrays, ...]] = {}
        sharing = moments.windowed & np.array([bool(item.shares) for item in samples], bool)
        self._present = moments.present if sharing.any() else moments.present[:, :1] | True
        self._rows = [part for _, part in found]
        self._node = np.array([row for row, _ in found], np.int64)
        self._index = {
            (problem.nodes[row].id, part.id): number for number, (row, part) in enumerate(found)
        }
        names = {name: None for part in self._rows for name in part.capacity}
        for item in samples:
            names |= {n: None for s in item.shares for option in s.options for n in option}
        names |= {n: None for share in asked for option in share.options for n in option}
        names |= {entry.resource: None for entry in measured}
        n_moments = self._present.shape[1]
        self._resources = {name: n_moments * column for column, name in enumerate(names)}
        self._width = n_moments * len(names)

    def run(self) -> CompiledParts:
        stated = np.zeros((len(self._rows), self._width), np.int64)
        always = np.ones(self._present.shape[1], bool)
        for row, part in enumerate(self._rows):
            stated[row] = self._vector(part.capacity, always)
        now, used = self._now()
        capacity, full = np.maximum(stated, used), used > stated
        parts = PartArrays(
            n_nodes=len(self._problem.nodes),
            ids=tuple(part.id for part in self._rows),
            node=self._node,
            kind=tuple(part.kind for part in self._rows),
            resources=self._resources,
            n_moments=self._present.shape[1],
            stated=stated,
            capacity=capacity,
            shares=tuple(
                self._shares(item, present, capacity, full)
                for item, present in zip(self._samples, self._present, strict=True)
            ),
            domains=self._domains(),
        )
        return CompiledParts(parts, now, self._fragment(parts), *self._sums(parts, now))

    def _fragment(self, parts: PartArrays) -> FragmentArrays | None:
        measure = self._problem.fragment
        if measure is None:
            return None
        name, column = measure.resource, self._resources[measure.resource]
        chosen = None
        capacity = np.array([n.capacity.get(name, 0) for n in self._problem.nodes], np.int64)
        if measure.kind is not None:
            chosen = np.flatnonzero(np.array(parts.kind) == measure.kind)
            capacity = parts.stated[chosen, column]
        need = np.array([item.demands.get(name, 0) for item in self._samples], np.int64)
        return FragmentArrays(measure.unit, capacity, need, chosen, column)

    def _vector(self, amounts: dict[str, int], present: Flags) -> Ints:
        """Return amounts by resource and moment."""
        row = np.zeros(self._width, np.int64)
        for name, amount in amounts.items():
            column = self._resources[name]
            row[column : column + len(present)] = amount * present
        return row

    def _now(self) -> tuple[Ints, Ints]:
        """Return the place of each item, and what is taken of each part."""
        nodes = {node.id: number for number, node in enumerate(self._problem.nodes)}
        now = np.full(len(self._problem.items), -1, np.int64)
        used = np.zeros((len(self._rows), self._width), np.int64)
        for number, item in enumerate(self._problem.items):
            if item.node is None:
                continue
            uses = [(self._index[item.node, use.part], use.option) for use in item.parts]
            now[number] = self._places.number(nodes[item.node], uses)
            shares = {share.kind: share for share in item.shares}
            for part, option in uses:
                need = shares[self._rows[part].kind].options[option]
                used[part] += self._vector(need, self._present[self._of_class[number]])
        return now, used

    def _shares(
        self, item: Item, present: Flags, capacity: Ints, full: Flags
    ) -> tuple[ShareArrays, ...]:
        """Return what an item takes; items that take the same have the same arrays."""
        traits = (*share_traits(item), present.tobytes())
        if traits not in self._known:
            self._known[traits] = tuple(self._rows_of(item, present, capacity, full))
        return self._known[traits]

    def _rows_of(
        self, item: Item, present: Flags, capacity: Ints, full: Flags
    ) -> Iterator[ShareArrays]:
        for share in item.shares:
            parts = np.array(
                [row for row, part in enumerate(self._rows) if part.kind == share.kind], np.int64
            )
            need = np.array([self._vector(option, present) for option in share.options])
            fits = np.all(capacity[parts][:, None, :] >= need, axis=2)
            shut = np.any(full[parts][:, None, :] & (need > 0), axis=2)
            yield ShareArrays(share.kind, share.count, need, parts, fits & ~shut)

    def _domains(self) -> tuple[PartDomains, ...]:
        whole = PartDomains(self._node, np.arange(len(self._problem.nodes)))
        known: dict[str | None, PartDomains] = {None: whole}
        for item in self._samples:
            if item.together not in known:
                known[item.together] = self._inside(str(item.together))
        return tuple(known[item.together] for item in self._samples)

    def _inside(self, group: str) -> PartDomains:
        """Return domains of one value of a group each; parts without it belong to none."""
        numbers: dict[tuple[int, str], int] = {}
        of = np.full(len(self._rows), -1, np.int64)
        for row, part in enumerate(self._rows):
            if group in part.groups:
                key = int(self._node[row]), part.groups[group]
                of[row] = numbers.setdefault(key, len(numbers))
        return PartDomains(of, np.array([node for node, _ in numbers], np.int64))

    def _sums(self, parts: PartArrays, now: Ints) -> tuple[Ints, Ints]:
        """Return sums over the parts of a kind and a node, as resources of the node."""
        columns = [
            column
            for kind in sorted({share.kind for shares in parts.shares for share in shares})
            for column in self._columns(parts, kind, now)
        ]
        n_classes, n_nodes = len(self._samples), len(self._problem.nodes)
        demand = np.zeros((n_classes, len(columns)), np.int64)
        capacity = np.zeros((n_nodes, len(columns)), np.int64)
        for number, (need, room) in enumerate(columns):
            demand[:, number] = need
            np.add.at(capacity[:, number], self._node, room)
        return demand, capacity

    def _columns(self, parts: PartArrays, kind: str, now: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield pairs of what one item of each class takes at least, and what each part has."""
        mine = np.array([name == kind for name in parts.kind], bool)
        need = [
            next((s.count * s.need for s in shares if s.kind == kind), None)
            for shares in parts.shares
        ]
        width = self._width
        least = np.array([np.zeros(width) if n is None else n.min(axis=0) for n in need], np.int64)
        most = np.array([np.zeros(width) if n is None else n.max(axis=0) for n in need], np.int64)
        for column in np.flatnonzero(least.any(axis=0)).tolist():
            yield least[:, column], np.where(mine, parts.capacity[:, column], 0)
        varied = np.any(least < most, axis=0)
        if varied.any():
            # Where options differ in resources, as slices of memory do, their sum still binds.
            sums = [0 if n is None else int(n[:, varied].sum(axis=1).min()) for n in need]
            yield (
                np.array(sums, np.int64),
                np.where(mine, parts.capacity[:, varied].sum(axis=1), 0),
            )
        for column in range(width):
            yield from self._large(parts, kind, mine, column, now)

    def _large(
        self, parts: PartArrays, kind: str, mine: Flags, column: int, now: Ints
    ) -> Iterator[tuple[Ints, Ints]]:
        """Count parts for classes that take more than half of any: none holds two of them."""
        largest = int(parts.stated[mine, column].max(initial=0))
        count = np.zeros(len(self._samples), np.int64)
        for k, shares in enumerate(parts.shares):
            for share in shares:
                if share.kind == kind and 2 * share.need[:, column].min() > largest:
                    count[k] = share.count
        if not count.any():
            return
        present = np.zeros(len(self._rows), np.int64)
        for item in np.flatnonzero(now >= 0).tolist():
            if count[self._of_class[item]]:
                for part, _ in self._places.uses(int(now[item])):
                    present[part] += mine[part]
        yield count, np.where(mine, np.maximum(present, 1), 0)
