"""What runs of policies on a scenario need, and the refusal of all that cannot run on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from scheduling.errors import Fault, InputError
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.capacity import at_rate
from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.load import Load, read_load
from scheduling.simulator.requests.metrics import Slo
from scheduling.simulator.requests.policy import Gating, Router
from scheduling.simulator.requests.registry import strategy
from scheduling.simulator.requests.routers import RouterSetting, make_router
from scheduling.simulator.requests.stated import Machine, StatedFleet, stated_fleet
from scheduling.simulator.requests.strategy import Setting, Strategy
from scheduling.simulator.requests.streams import stream

Policies = Mapping[str, Strategy]
"""The policies of the instances under one name, by group."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A scenario with everything that its runs share.

    Parameters
    ----------
    problem
        The scenario.
    replicas, load, slos
        Its replicas, its requests, and limits by class of requests.
    policies
        What is compared.
    seed
        Seed of all draws.
    """

    problem: RequestScenario
    replicas: StatedFleet
    load: Load
    slos: dict[str, Slo]
    policies: tuple[Policies, ...]
    seed: int

    def chosen(self, policies: Policies) -> Strategy:
        """Return the policies that a run is named after: those of the first group."""
        return policies[self.replicas.groups[0].name]

    def router(self, chosen: Strategy) -> Router:
        """Make the policy's own router, or that of the scenario, for one run."""
        if chosen.router is not None:
            return chosen.router()
        limits = [one.ttft_seconds for one in self.slos.values() if one.ttft_seconds is not None]
        load = self.load
        paths = load.paths if load.programs is None else load.programs.paths
        setting = RouterSetting(stream(self.seed, "router"), paths, min(limits, default=None))
        return make_router(self.problem.router, setting)


def prepare(
    problem: RequestScenario,
    named: Sequence[str | Strategy],
    *,
    trace: str | PathLike[str] | None,
    folder: str | PathLike[str] | None,
    strict: bool,
    capacity: bool,
    seed: int,
) -> Prepared:
    """Read what a scenario needs and make its policies, so that no run is lost to another.

    Parameters
    ----------
    problem, trace, folder, strict, seed
        As of :func:`~scheduling.simulator.requests.compare.simulate_requests`.
    named
        Policies by name or as objects.
    capacity
        The highest rate is asked for as well.

    Raises
    ------
    InputError, UnsupportedError
        As of :func:`~scheduling.simulator.requests.compare.simulate_requests`.
    """
    replicas = stated_fleet(problem)
    load = read_load(problem, trace, Path(folder or ""), strict=strict, seed=seed)
    if capacity and load.programs is not None:
        expected = "requests that come by themselves"
        raise InputError.single("capacity", "programs of agents", expected)
    slos = _limits(problem, load.table)
    if capacity:
        _require_rates(load.table, slos)
    if load.programs is None:
        _require_counted(problem, load.table)
    settings = {
        name: _setting(problem, load, one, slos, seed) for name, one in replicas.machines.items()
    }
    made = tuple(
        {
            name: each if isinstance(each, Strategy) else strategy(each, setting)
            for name, setting in settings.items()
        }
        for each in named
    )
    found = Prepared(problem, replicas, load, slos, made, seed)
    for policies in made:
        _require_wholes(replicas, policies)
        _require_prefixes(found, found.chosen(policies))
    return found


def _require_rates(table: RequestTable, slos: Mapping[str, Slo]) -> None:
    """Refuse to look for a highest rate without limits, or of requests that come all at once."""
    if not slos:
        raise InputError.single("slo", "nothing", "limits, for the highest rate that keeps them")
    at_rate(table, 1.0)


def _require_counted(problem: RequestScenario, table: RequestTable) -> None:
    """Refuse a warm-up of all requests, none of which would count."""
    last = float(table.arrival_ns[-1]) / NS_PER_SECOND
    if problem.warmup_seconds > last:
        found, expected = (
            f"{problem.warmup_seconds:g}",
            f"at most {last:g}, when the last one comes",
        )
        raise InputError.single("warmup_seconds", found, expected)


def _require_wholes(replicas: StatedFleet, policies: Policies) -> None:
    """Refuse answers that come whole on replicas that compute prompts alone, or answers."""
    faults = [
        Fault(f"groups[{row}].role", group.role, f"both, as {policies[group.name].name} asks for")
        for row, group in enumerate(replicas.groups)
        if group.role != "both" and policies[group.name].whole_answers
    ]
    if faults:
        raise InputError(faults)


def _require_prefixes(found: Prepared, chosen: Strategy) -> None:
    """Refuse policies that keep prefixes of requests without any, or ask for programs."""
    router, load = found.router(chosen), found.load
    if load.programs is not None or chosen.retention is None:
        return
    if load.paths is None:
        what, expected = "requests without prefixes", "programs, or a trace with blocks of prompts"
        raise InputError.single(f"policy {chosen.name}", what, expected)
    chosen.retention.begin(None)
    if isinstance(router, Gating):
        router.begin(None, ())


def _setting(
    problem: RequestScenario,
    load: Load,
    replica: Machine,
    slos: dict[str, Slo],
    seed: int,
) -> Setting:
    table = load.table
    totals = table.prompt_tokens + table.output_tokens
    # What is larger than the memory is rejected, and changes nothing for the others.
    fits = totals <= replica.kv_tokens // problem.block_size * problem.block_size
    longest = problem.max_tokens or int(totals[fits].max(initial=1))
    limits = tuple(slos[name].ttft_seconds if name in slos else None for name in table.demands)
    answer = problem.max_answer_tokens or int(table.output_tokens[fits].max(initial=1))
    wholes = tuple(slos[name].e2e_seconds if name in slos else None for name in table.demands)
    laters = tuple(slos[name].tpot_seconds if name in slos else None for name in table.demands)
    return Setting(
        table,
        replica.cost,
        limits,
        longest,
        answer,
        seed,
        load.programs,
        e2e_seconds=wholes,
        tpot_seconds=laters,
        paths=load.paths,
        host_tokens_per_second=replica.host_tokens_per_second,
    )


def _limits(problem: RequestScenario, table: RequestTable) -> dict[str, Slo]:
    """Return the limits of each class that has some."""
    strange = sorted(set(problem.slos) - set(table.demands))
    if strange:
        raise InputError.single("slos", ", ".join(strange), f"classes: {', '.join(table.demands)}")
    found = {}
    for name in table.demands:
        level = problem.slos.get(name, problem.slo)
        if level is not None:
            found[name] = Slo(level.ttft_seconds, level.tpot_seconds, level.e2e_seconds)
    return found
