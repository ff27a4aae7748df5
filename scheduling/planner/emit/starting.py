"""Which kinds of replicas a runtime starts: known before any plan is searched."""

from __future__ import annotations

from collections.abc import Iterable

from scheduling.errors import InputError, UnsupportedError
from scheduling.models.serving.plan import Component, Role, ServingPlan
from scheduling.planner.candidates import Candidate, RuledOut
from scheduling.planner.emit import MOST_TYPES, RUNTIMES
from scheduling.planner.emit.shape import parts_of

_OTHER_PHASE: dict[Role, tuple[Role, ...]] = {
    "both": (),
    "prefill": ("decode",),
    "decode": ("prefill",),
}


def started(
    runtime: str | None, found: Iterable[Candidate]
) -> tuple[list[Candidate], list[RuledOut]]:
    """Part kinds of replicas into those that a runtime starts and the others, with its reason.

    Parameters
    ----------
    runtime
        One of :data:`~scheduling.planner.emit.RUNTIMES`; ``None``: any kind is started.
    found
        Kinds of replicas.
    """
    kept: list[Candidate] = []
    out: list[RuledOut] = []
    for one in found:
        reason = None if runtime is None else _refusal(runtime, one)
        if reason is None:
            kept.append(one)
            continue
        demands = tuple(load.demand for load in one.loads)
        what = one.model.name, one.pool.name, one.role, one.layout, one.precision
        out.append(RuledOut(*what, f"{runtime}: {reason}", never=True, demands=demands))
    return kept, out


def most_types(runtime: str | None, kept: Iterable[Candidate]) -> int | None:
    """Return how many kinds of replicas of a model and role a runtime takes; ``None``: any number.

    Several kinds that do both phases are services of their own wherever they are.
    """
    apart = any(one.role != "both" for one in kept)
    return MOST_TYPES.get(runtime or "") if apart else None


def _refusal(runtime: str, one: Candidate) -> str | None:
    """Return why the writer of a runtime refuses a plan of such a replica alone."""
    mine = _component(one, one.role)
    components = (mine, *(_component(one, role) for role in _OTHER_PHASE[one.role]))
    gpus = sum(component.gpus for component in components)
    stub = ServingPlan(
        name="one", components=components, gpus=gpus, objective_name="gpus", status="feasible"
    )
    try:
        RUNTIMES[runtime](stub, parts_of(stub))
    except UnsupportedError as error:
        return str(error).removeprefix(f"component {mine.name}: ")
    except InputError as error:
        return str(error.faults[0]).removeprefix("components[0].")
    return None


def _component(one: Candidate, role: Role) -> Component:
    return Component(
        name=role,
        model=one.model.name,
        huggingface=one.model.llm.huggingface,
        role=role,
        pool=one.pool.name,
        gpu=one.pool.gpu.name,
        replicas=1,
        layout=one.layout,
        precision=one.precision,
        attention=one.model.llm.attention.kind,
        nodes_per_replica=one.pool.nodes_for(one.layout) or 1,
        max_sequences=one.sized.sequences,
        token_budget=one.sized.token_budget,
        memory_share=one.memory_share,
    )
