"""Gangs as linear rows: all, or at least so many, or none; and in one domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.placement.gangs import GangRule

if TYPE_CHECKING:
    from scheduling.solvers.placement.mip.model import Program
    from scheduling.solvers.placement.mip.rules import Rules


def add_gangs(program: Program, rules: Rules) -> None:
    """Add the rules of all gangs to a program."""
    for gang in program.arrays.gangs:
        total = program.most(gang.classes)
        if gang.least is None or gang.least >= total:
            _all_or_none(program, gang, possible=gang.least is None or gang.least == total)
        else:
            _enough_or_none(program, gang, gang.least)
        if gang.domains is not None:
            _one_domain(program, rules, gang, gang.domains)


def _all_or_none(program: Program, gang: GangRule, *, possible: bool) -> None:
    kept, grown = program.binary(), program.binary()
    program.at_most([(grown, 1.0), (kept, -1.0)], 0.0)
    if not possible:
        program.at_most([(grown, 1.0)], 0.0)
    for classes, flag in ((gang.ran, kept), (gang.pending, grown)):
        for k in classes:
            terms = [*program.items((k,)), (flag, -float(program.size[k]))]
            program.rows.at_least(terms, 0.0)
            program.at_most(terms, 0.0)


def _enough_or_none(program: Program, gang: GangRule, least: int) -> None:
    enough = program.binary()
    program.rows.at_least([*program.items(gang.classes), (enough, -float(least))], 0.0)
    for k in gang.pending:
        program.at_most([*program.items((k,)), (enough, -float(program.size[k]))], 0.0)
    if not gang.ran:
        return
    kept, gone = program.binary(), program.binary()
    for k in gang.ran:
        size = float(program.size[k])
        program.rows.at_least([*program.items((k,)), (kept, -size)], 0.0)
        program.at_most([*program.items((k,)), (gone, size)], size)
    program.rows.at_least([(kept, 1.0), (gone, 1.0), (enough, 1.0)], 1.0)


def _one_domain(program: Program, rules: Rules, gang: GangRule, domains: int) -> None:
    """Where one of a gang's items arrives, all that are placed stand in one domain."""
    labels, most = program.arrays.domains[domains], float(program.most(gang.classes))
    changed = program.binary()
    chosen = [program.binary() for _ in range(labels.count)]
    program.at_most([(flag, 1.0) for flag in chosen], 1.0)
    for domain, flag in enumerate(chosen):
        for k in gang.classes:
            arrival = rules.arrives(k, domains, domain)
            if arrival is not None:
                program.at_most([(arrival, 1.0), (changed, -1.0)], 0.0)
        inside = program.items(gang.classes, np.flatnonzero(labels.of == domain))
        program.at_most([*inside, (changed, most), (flag, -most)], most)
    for k in gang.classes:
        rules.forbid_unlabelled(k, domains)
    outside = program.items(gang.classes, np.flatnonzero(labels.of < 0))
    program.at_most([*outside, (changed, most)], most)
