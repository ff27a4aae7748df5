"""Gangs in CP-SAT: all, or at least so many, or none; and in one domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scheduling.models.placement.gangs import GangRule

if TYPE_CHECKING:
    from scheduling.solvers.placement.cpsat.model import Formulation


def add_gangs(of: Formulation) -> None:
    """Add the rules of all gangs to a model."""
    for gang in of.arrays.gangs:
        total = sum(len(of.arrays.members[k]) for k in gang.classes)
        if gang.least is None or gang.least >= total:
            _all_or_none(of, gang, possible=gang.least is None or gang.least == total)
        else:
            _enough_or_none(of, gang, gang.least)
        if gang.domains is not None:
            _one_domain(of, gang, gang.domains)


def _all_or_none(of: Formulation, gang: GangRule, *, possible: bool) -> None:
    model = of.model
    kept, grown = model.new_bool_var(""), model.new_bool_var("")
    model.add_implication(grown, kept)
    if not possible:
        model.add(grown == 0)
    for classes, literal in ((gang.ran, kept), (gang.pending, grown)):
        for k in classes:
            model.add(of.placed[k] == len(of.arrays.members[k]) * literal)


def _enough_or_none(of: Formulation, gang: GangRule, least: int) -> None:
    model = of.model
    enough = model.new_bool_var("")
    model.add(sum(of.placed[k] for k in gang.classes) >= least).only_enforce_if(enough)
    for k in gang.pending:
        model.add(of.placed[k] == 0).only_enforce_if(~enough)
    if gang.ran:
        kept, gone = model.new_bool_var(""), model.new_bool_var("")
        for k in gang.ran:
            model.add(of.placed[k] == len(of.arrays.members[k])).only_enforce_if(kept)
            model.add(of.placed[k] == 0).only_enforce_if(gone)
        model.add_bool_or(kept, gone, enough)


def _one_domain(of: Formulation, gang: GangRule, domains: int) -> None:
    """Where one of a gang's items arrives, all that are placed stand in one domain."""
    model, labels = of.model, of.arrays.domains[domains]
    changed = model.new_bool_var("")
    chosen: list[Any] = [model.new_bool_var("") for _ in range(labels.count)]
    model.add_at_most_one(chosen)
    for domain in range(labels.count):
        for k in gang.classes:
            arrives = of.arrives(k, domains, domain)
            if arrives is not None:
                model.add_implication(arrives, changed)
        inside = of.in_domain(gang.classes, domains, domain)
        model.add(inside == 0).only_enforce_if(changed, ~chosen[domain])
    outside: np.ndarray[Any, Any] = labels.of < 0
    for k in gang.classes:
        of.forbid_unlabelled(k, domains)
    model.add(of.total(gang.classes, outside) == 0).only_enforce_if(changed)
