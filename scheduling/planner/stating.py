"""States the choice between candidates as a serving problem."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.errors import InputError
from scheduling.models.serving import problem as serving
from scheduling.planner.candidates import Candidate, is_component
from scheduling.planner.emit.starting import most_types
from scheduling.planner.layouts import PoolFacts
from scheduling.planner.loads import Load
from scheduling.planner.resolve import Resolved


def state(resolved: Resolved, kept: Sequence[Candidate]) -> serving.ServingProblem:
    """Return the problem of choosing replicas of these kinds for a fleet.

    A plan that runs adds the goal ``moves`` behind the others: of equally good plans the one with
    the fewest changes.

    Raises
    ------
    InputError
        When requests have more KV cache to move than a problem can state.
    """
    fleet = resolved.fleet
    goals: tuple[serving.Goal, ...] = fleet.goals
    if fleet.running is not None and "moves" not in goals:
        goals = (*goals, "moves")
    asked = fleet.options.max_types_per_role, most_types(resolved.runtime, kept)
    types = [most for most in asked if most is not None]
    return serving.ServingProblem(
        name=fleet.name,
        pools=tuple(_pool(pool, kept) for pool in resolved.pools),
        demands=tuple(_demand(row, load, kept) for row, load in enumerate(resolved.loads)),
        templates=tuple(state_template(one) for one in kept),
        kv_affinity=fleet.options.kv_affinity,
        limits=serving.Limits(
            gpus=fleet.limits.gpus,
            cost_per_hour=fleet.limits.cost_per_hour,
            watts=fleet.limits.watts,
            templates_per_role=min(types) if types else None,
            moves=fleet.max_changes,
        ),
        scenarios=state_scenarios(resolved),
        running=_running(resolved, kept),
        goals=goals,
    )


def _pool(pool: PoolFacts, kept: Sequence[Candidate]) -> serving.Pool:
    split = any(one.pool is pool and one.role != "both" for one in kept)
    network = pool.gpu.network_bandwidth * pool.gpus_per_node
    return serving.Pool(
        id=pool.name,
        gpu=pool.gpu.name,
        nodes=pool.nodes,
        gpus_per_node=pool.gpus_per_node,
        domain_gpus=pool.domain_gpus,
        price_per_hour=pool.price_per_hour,
        watts=pool.watts if pool.watts is not None else pool.gpu.watts,
        kv_bytes_per_second=network if split else None,
    )


def _demand(row: int, load: Load, kept: Sequence[Candidate]) -> serving.Demand:
    per_token = [
        one.model.llm.kv_bytes_per_token(one.precision.kv)
        for one in kept
        if one.role != "both" and load in one.loads
    ]
    moved = load.requests.prompt.mean * max(per_token, default=0.0)
    if moved > serving.MOST_KV_BYTES:
        found = f"prompts of {moved / 1e9:.0f} GB of KV cache from prefill to decode"
        expected = f"at most {serving.MOST_KV_BYTES / 1e9:.0f} GB, or options.modes [aggregated]"
        raise InputError.single(f"demands[{row}].prompt", found, expected)
    return serving.Demand(
        id=load.demand,
        model=load.model,
        requests_per_second=load.rate,
        kv_bytes_per_request=round(moved),
    )


def state_scenarios(resolved: Resolved) -> tuple[serving.Scenario, ...]:
    """Return the cases that a plan must hold in as well."""
    return tuple(
        serving.Scenario(
            id=scenario.name,
            demands={load.demand: scenario.factor(load.demand) for load in resolved.loads},
            all_rates=1 / scenario.latency,
        )
        for scenario in resolved.fleet.scenarios
    )


def state_template(one: Candidate) -> serving.Template:
    """Return a kind of replica with its rates and how busy pools of it may be."""
    return serving.Template(
        id=one.id,
        model=one.model.name,
        role=one.role,
        pool=one.pool.name,
        layout=one.layout,
        # More than any demand may ask for is as good as that.
        rates={name: min(rate, serving.MOST_RATE) for name, rate in one.sized.rates.items()},
        ceilings=tuple(one.ceilings.tolist()),
        watts=one.watts,
    )


def _running(resolved: Resolved, kept: Sequence[Candidate]) -> tuple[serving.Running, ...]:
    if resolved.fleet.running is None:
        return ()
    replicas: dict[str, int] = {}
    for component in resolved.fleet.running.components:
        match = next((one for one in kept if is_component(one, component)), None)
        if match is not None:
            replicas[match.id] = replicas.get(match.id, 0) + component.replicas
    return tuple(serving.Running(template=id_, replicas=n) for id_, n in replicas.items())
