"""Rules between items as linear rows: anti-affinity, affinity and spread over domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.placement.arrays import Rule

if TYPE_CHECKING:
    from scheduling.solvers.placement.mip.model import Program


class Rules:
    """Rules of a program, and flags for what arrives where.

    Parameters
    ----------
    program
        Where rows and flags are added.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._arrivals: dict[tuple[int, int, int], int | None] = {}

    def add(self) -> None:
        """Add all rules of the problem."""
        arrays = self._program.arrays
        for rule in (*arrays.together, *arrays.even):
            self.forbid_unlabelled(rule.owner, rule.domains)
        for rule in arrays.apart:
            for domain in range(arrays.domains[rule.domains].count):
                self._keep_apart(rule, domain)
        for rule in arrays.together:
            for domain in range(arrays.domains[rule.domains].count):
                self._keep_together(rule, domain)
        for rule in arrays.even:
            self._keep_even(rule)

    def _nodes(self, domains: int, domain: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.flatnonzero(self._program.arrays.domains[domains].of == domain)

    def arrives(self, k: int, domains: int, domain: int) -> int | None:
        """Flag that is 1 when an item of a class arrives in a domain; ``None``: never."""
        program, key = self._program, (k, domains, domain)
        if key not in self._arrivals:
            nodes = self._nodes(domains, domain)
            coming = nodes[(program.x[k, nodes] >= 0) & program.arrays.eligible[k, nodes]].tolist()
            self._arrivals[key] = program.binary() if coming else None
            for j in coming:
                self._bind(k, j, self._arrivals[key])
        return self._arrivals[key]

    def _bind(self, k: int, j: int, flag: int | None) -> None:
        """Let items of a class arrive on a node only where a flag is 1; without one, never."""
        program = self._program
        terms = [(int(program.x[k, j]), 1.0)]
        if program.s[k, j] >= 0:
            terms.append((int(program.s[k, j]), -1.0))
        if flag is not None:
            terms.append((flag, -float(program.size[k])))
        program.at_most(terms, 0.0)

    def forbid_unlabelled(self, k: int, domains: int) -> None:
        """Keep arrivals of a class off nodes without a label, which have no domain."""
        for j in self._nodes(domains, -1).tolist():
            if self._program.x[k, j] >= 0:
                self._bind(k, j, None)

    def _keep_apart(self, rule: Rule, domain: int) -> None:
        program, owner = self._program, rule.owner
        nodes = self._nodes(rule.domains, domain)
        arrival = self.arrives(owner, rule.domains, domain)
        if arrival is not None:
            most, own = program.most(rule.meant), int(owner in rule.meant)
            terms = [*program.items(rule.meant, nodes), (arrival, float(most))]
            program.at_most(terms, most + own)
        for other in rule.meant:
            flag = self.arrives(other, rule.domains, domain)
            if other != owner and flag is not None:
                most = program.most((owner,))
                program.at_most([*program.items((owner,), nodes), (flag, float(most))], most)

    def _keep_together(self, rule: Rule, domain: int) -> None:
        program = self._program
        arrival = self.arrives(rule.owner, rule.domains, domain)
        if arrival is None:
            return
        near = program.items(rule.meant, self._nodes(rule.domains, domain))
        if rule.owner not in rule.meant:
            program.rows.at_least([*near, (arrival, -1.0)], 0.0)
            return
        alone, most = program.binary(), program.most(rule.meant)
        labelled = np.flatnonzero(program.arrays.domains[rule.domains].of >= 0)
        everywhere = program.items(rule.meant, labelled)
        program.at_most([*everywhere, (alone, float(most))], most + 1)
        program.rows.at_least([*near, (arrival, -2.0), (alone, 2.0)], 0.0)

    def _keep_even(self, rule: Rule) -> None:
        program, arrays = self._program, self._program.arrays
        of, allowed = arrays.domains[rule.domains].of, arrays.spread_nodes[rule.counted]
        present = sorted({int(d) for d in of[allowed & (of >= 0)]})
        if not present:
            return
        most = program.most(rule.meant)
        counts = {
            d: program.items(rule.meant, np.flatnonzero(allowed & (of == d))) for d in present
        }
        least = []
        if len(present) >= rule.min_domains:
            number = program.number(most)
            least = [(number, -1.0)]
            for terms in counts.values():
                program.rows.at_least([*terms, *least], 0.0)
        for domain, terms in counts.items():
            arrival = self.arrives(rule.owner, rule.domains, domain)
            if arrival is not None:
                row = [*terms, *least, (arrival, float(most))]
                program.at_most(row, rule.max_skew + most)
