"""Rules between items as linear rows: anti-affinity, affinity and spread over domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.placement.arrays import Bond, Ints, Rule
from scheduling.solvers.linear.rows import Term

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
        for rule in arrays.even:
            self.forbid_unlabelled(rule.owner, rule.domains)
        for rule in arrays.apart:
            for domain in range(arrays.domains[rule.domains].count):
                self._keep_apart(rule, domain)
        for bond in arrays.together:
            self._keep_together(bond)
        for rule in arrays.even:
            self._keep_even(rule)

    def _nodes(self, domains: int, domain: int) -> Ints:
        return np.flatnonzero(self._program.arrays.domains[domains].of == domain)

    def arrives(self, k: int, domains: int, domain: int) -> int | None:
        """Flag that is 1 when an item of a class arrives in a domain; ``None``: never."""
        program, key = self._program, (k, domains, domain)
        if key not in self._arrivals:
            nodes = self._nodes(domains, domain)
            coming = nodes[(program.x[k, nodes] >= 0) & program.arrays.reachable[k, nodes]].tolist()
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

    def _keep_together(self, bond: Bond) -> None:
        """Let owners arrive where others stand already, or all where the first of them begins."""
        program = self._program
        first = program.binary() if bond.first else None
        for meant, domains in bond.terms:
            for k in bond.owners:
                self.forbid_unlabelled(k, domains)
            if first is not None:
                self._begin(bond, meant, domains, first)
            heads = []
            for domain in range(program.arrays.domains[domains].count):
                arrivals = [self.arrives(k, domains, domain) for k in bond.owners]
                coming = [flag for flag in arrivals if flag is not None]
                before = self._before(bond, meant, self._nodes(domains, domain))
                if coming and first is not None:
                    heads.append(program.binary())
                    before.append((heads[-1], 1.0))
                for flag in coming:
                    program.rows.at_least([*before, (flag, -1.0)], 0.0)
            if first is not None:
                program.at_most([*((head, 1.0) for head in heads), (first, -1.0)], 0.0)

    def _before(self, bond: Bond, meant: tuple[int, ...], nodes: Ints) -> list[Term]:
        """Terms that sum up to whom owners find on some nodes: leaders, and owners that stay."""
        stays = self._program.s[np.array(bond.followers(meant), np.int64)][:, nodes]
        leaders = self._program.items(bond.leaders(meant), nodes)
        return [*leaders, *((column, 1.0) for column in stays[stays >= 0].tolist())]

    def _begin(self, bond: Bond, meant: tuple[int, ...], domains: int, first: int) -> None:
        """Let nobody that a term means stand anywhere before the first of the owners."""
        program = self._program
        labelled = np.flatnonzero(program.arrays.domains[domains].of >= 0)
        followers = np.array(bond.followers(meant), np.int64)
        x, s = (table[followers][:, labelled] for table in (program.x, program.s))
        others = program.items(bond.leaders(meant), labelled)
        others += [(column, 1.0) for column in x[s >= 0].tolist()]
        most = float(program.most(meant))
        program.at_most([*others, (first, most)], most)

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
