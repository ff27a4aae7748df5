"""Affinity between items in CP-SAT: who arrives finds whom its terms mean, or is the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scheduling.models.placement.arrays import Bond

if TYPE_CHECKING:
    from scheduling.solvers.placement.cpsat.model import Formulation


def keep_together(formulation: Formulation, bond: Bond) -> None:
    """Let owners arrive where others stand already, or all where the first of them begins.

    Owners that arrive stand beside each other only because one of them was there first: they count
    for nobody but through the one domain of each label in which the first begins.
    """
    model, arrays = formulation.model, formulation.arrays
    first = _first(formulation, bond) if bond.first else None
    for meant, domains in bond.terms:
        for k in bond.owners:
            formulation.forbid_unlabelled(k, domains)
        heads = []
        for domain in range(arrays.domains[domains].count):
            arrivals = [formulation.arrives(k, domains, domain) for k in bond.owners]
            coming = [literal for literal in arrivals if literal is not None]
            if not coming:
                continue
            beside: list[Any] = []
            if first is not None:
                heads.append(model.new_bool_var(""))
                model.add_implication(heads[-1], first)
                beside = [~heads[-1]]
            here = arrays.domains[domains].of == domain
            stays, _ = formulation.settlers(bond.followers(meant), here)
            before = formulation.total(bond.leaders(meant), here) + stays
            for literal in coming:
                model.add(before >= 1).only_enforce_if(literal, *beside)
        model.add_at_most_one(heads)


def _first(formulation: Formulation, bond: Bond) -> Any:
    """Literal that is true only where nobody whom the terms mean stands before the owners come."""
    model, arrays = formulation.model, formulation.arrays
    first = model.new_bool_var("")
    for meant, domains in bond.terms:
        labelled = arrays.domains[domains].of >= 0
        _, standing = formulation.settlers(bond.followers(meant), labelled)
        leaders = formulation.total(bond.leaders(meant), labelled)
        model.add(leaders + standing == 0).only_enforce_if(first)
    return first
