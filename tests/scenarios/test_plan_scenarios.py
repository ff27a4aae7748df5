"""Scenarios of serving plans: their problems by hand and by brute force, bounds that hold."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from scheduling.errors import CheckError
from scheduling.models.cost.protocol import Affine, Batch
from scheduling.scenarios import (
    agentic_tco,
    blockllm,
    comet,
    fleets,
    once_for_all,
    pd_serve,
    sarathi_budget,
    semi_pd,
)
from scheduling.scenarios.agentic_tco import Agent, Option
from scheduling.scenarios.fleets import Kind
from scheduling.scenarios.once_for_all import WIDTHS, Deployment, Part
from scheduling.scenarios.registry import SCENARIOS, scenario
from scheduling.scenarios.scenario import Run
from scheduling.simulator.requests.policies.composition import PrefillFirst, Sarathi
from tests.solving import solve

NAMES = (
    "agentic-tco",
    "pd-serve",
    "semi-pd",
    "laps",
    "sarathi-budget",
    "comet",
    "once-for-all",
    "blockllm",
)


@pytest.mark.parametrize("name", NAMES)
def test_they_are_registered_under_their_names(name: str) -> None:
    assert name in SCENARIOS
    assert scenario(name).name == name


# ------------------------------------------------------------------------------------ agentic-tco


def drawn_agent(seed: int) -> Agent:
    rng = np.random.default_rng(seed)
    tasks = {
        f"t{number}": [Option(int(rng.integers(1, 20)), int(rng.integers(1, 20))) for _ in range(3)]
        for number in range(4)
    }
    links = [("t0", "t1"), ("t0", "t2"), ("t1", "t3"), ("t2", "t3")]
    moves = {link: Option(int(rng.integers(0, 6)), int(rng.integers(0, 6))) for link in links}
    return Agent(("a", "b", "c"), tasks, moves, int(rng.integers(20, 45)))


@pytest.mark.parametrize("seed", range(4))
def test_placements_of_agents_are_best(seed: int) -> None:
    agent = drawn_agent(seed)
    tried = [
        agent.on(dict(zip(agent.tasks, places, strict=True)))
        for places in product(range(3), repeat=4)
    ]
    in_time = [one.cost for one in tried if one.time <= agent.limit]
    answer = solve(agent.problem(), time_limit=1e6)
    if not in_time:
        assert answer.status == "infeasible"
        assert agent.cheapest_single() is None
        return
    assert answer.objective == answer.bound == min(in_time)
    place = {task: agent.classes.index(name) for task, name in agent.placed(answer).items()}
    assert agent.on(place).cost == answer.objective
    assert agent.on(place).time <= agent.limit
    for heuristic in (agent.greedy(), agent.cheapest_single()):
        assert heuristic is None or heuristic >= min(in_time)


def test_the_worked_example_is_option_b() -> None:
    row, *_ = agentic_tco.run(Run(seconds=1.0))
    assert (row.value, row.gap) == (0.095, 0.0)
    assert "120 ms" in row.verdict
    assert "no evidence" in row.verdict
    assert row.baseline_value == 0.12


def test_decoding_costs_less_where_memory_is_cheap() -> None:
    agent = agentic_tco.request(("h100", "h200"), seconds=60.0)
    prefill, decode = agent.tasks["prefill"], agent.tasks["decode"]
    assert prefill[0].cost < prefill[1].cost
    assert decode[0].cost > decode[1].cost


# ----------------------------------------------------------------------------------- once-for-all


@pytest.mark.parametrize("seed", range(3))
def test_widths_of_parts_are_best(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = tuple(
        Part(
            f"p{number}",
            int(rng.integers(1, 9)) * 2**20,
            tuple(int(rng.integers(50, 900)) >> place for place in range(len(WIDTHS))),
        )
        for number in range(4)
    )
    given = Deployment(parts, memory=int(sum(part.size(4) for part in parts)), time=60, pace=5.0)
    tried = [list(places) for places in product(range(len(WIDTHS)), repeat=4)]
    losses = [given.lost(widths) for widths in tried if given.fits(widths)]
    answer = solve(given.problem(), time_limit=1e6)
    assert answer.objective == answer.bound == min(losses)
    raised = given.greedy()
    assert given.lost(raised) >= min(losses)
    started = solve(given.problem(), work_limit=0.01, workers=1, hint=given.solution(raised))
    assert started.objective <= given.lost(raised)
    uniform = given.uniform()
    assert uniform is None or uniform >= min(losses)


def test_more_bits_lose_less() -> None:
    tight, wide = (once_for_all.deployment(bits, 0) for bits in (2.6, 4.4))
    assert tight.memory < wide.memory
    assert tight.lost(tight.greedy()) > wide.lost(wide.greedy())
    for part in tight.parts:
        assert list(part.losses) == sorted(part.losses, reverse=True)


# -------------------------------------------------------------------------- fleets, comet, pd-serve


@pytest.mark.parametrize("loss", [None, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_fleets_are_largest(seed: int, loss: float | None) -> None:
    rng = np.random.default_rng(seed)
    kinds = [
        Kind(
            f"{service}{number}",
            service,
            "serve",
            int(rng.integers(1, 3)),
            float(rng.uniform(1, 5)),
            0.1 if number == 0 else 0.4,
        )
        for service in ("a", "b")
        for number in range(2)
    ]
    rates = {"a": 3.0, "b": 2.0}
    best = max(
        fleets.factor_of(kinds, counts, rates, loss)
        for counts in product(range(7), repeat=4)
        if sum(count * kind.gpus for count, kind in zip(counts, kinds, strict=True)) <= 6
    )
    fleet = fleets.largest_fleet(kinds, rates, 6, 20.0, loss)
    assert fleet.factor == pytest.approx(best)
    assert fleet.bound == pytest.approx(best)
    used = {kind.name: kind.gpus for kind in kinds}
    assert sum(count * used[name] for name, count in fleet.counts.items()) <= 6


def test_budgets_of_quality_are_averages() -> None:
    kinds = [Kind("good", "a", "serve", 1, 2.0, 0.0), Kind("fast", "a", "serve", 1, 10.0, 0.3)]
    assert fleets.factor_of(kinds, [1, 1], {"a": 1.0}, None) == 12.0
    # One request of the fast kind for every two of the good one.
    assert fleets.factor_of(kinds, [1, 1], {"a": 1.0}, 0.1) == pytest.approx(3.0)
    assert fleets.factor_of(kinds, [0, 1], {"a": 1.0}, 0.1) == 0.0


def test_lower_precision_serves_more_where_the_budget_allows() -> None:
    rows = comet.run(Run(seconds=300.0))
    values = [row.value for row in rows]
    assert values == sorted(values)
    for row in rows:
        assert row.baseline_value is not None
        assert row.value >= row.baseline_value
        assert row.gap == pytest.approx(0.0, abs=1e-6)


def test_ratios_follow_the_work_of_each_scenario() -> None:
    apart, together, growing = pd_serve.run(Run(seconds=120.0))
    assert apart.value == together.value
    for row in (apart, together):
        assert row.baseline_value is not None
        assert row.value > row.baseline_value
        assert row.gap == pytest.approx(0.0, abs=1e-6)
    assert growing.baseline_value is not None
    assert growing.baseline_value <= growing.value
    assert growing.gap is not None
    assert 0 < growing.gap < 1


def test_moving_instances_never_costs_a_scenario() -> None:
    kinds = pd_serve.kinds(pd_serve.SERVICES)
    asked = {name: service.rate for name, service in pd_serve.SERVICES.items()}
    counts = [6] * len(kinds)
    moved = pd_serve.adjusted(kinds, counts, asked)
    assert sum(moved) == sum(counts)
    before = fleets.factor_of(kinds, counts, asked, None)
    assert fleets.factor_of(kinds, moved, asked, None) >= before


# ---------------------------------------------------------------------------------------- semi-pd


def test_shares_trade_prompts_against_decodes() -> None:
    given = semi_pd.Device(Affine(0.01, 1e-4, 1e-8), 200_000)
    load = semi_pd.Load(2.0, 1000, 100)
    prompt = [given.filling(load, (share, 0.1)) for share in (0.2, 0.5, 0.9)]
    assert prompt == sorted(prompt, reverse=True)
    assert given.filling(load, (0.5, 1.0)) > given.filling(load, (0.5, 0.5))
    steps = [given.step(load, (0.1, share)) or 0.0 for share in (0.2, 0.5, 0.9)]
    assert steps == sorted(steps, reverse=True)
    assert given.step(semi_pd.Load(1e6, 1000, 100), (0.5, 0.5)) is None
    most = given.most(load, (0.6, 0.4))
    assert given.late(semi_pd.Load(most * 0.999, 1000, 100), (0.6, 0.4)) <= 0.1
    assert given.late(semi_pd.Load(most * 1.01, 1000, 100), (0.6, 0.4)) > 0.1


def test_paths_of_shares_are_best() -> None:
    rng = np.random.default_rng(1)
    points = semi_pd.grid()
    late = [{point: float(rng.uniform(0, 9)) for point in points} for _ in range(3)]
    start = (0.5, 0.5)

    def near(one: tuple[float, float], other: tuple[float, float]) -> bool:
        return all(abs(a - b) < 0.15 for a, b in zip(one, other, strict=True))

    tried = [
        late[0][start] + late[1][second] + late[2][third]
        for second in points
        if near(start, second)
        for third in points
        if near(second, third)
    ]
    assert semi_pd.best_path(late, start) == pytest.approx(min(tried))


def test_the_controller_is_near_the_best_path() -> None:
    given = semi_pd.device()
    loads = semi_pd.windows(5, given.most(semi_pd.Load(0.0, 1024, 192), (1.0, 1.0)))[:48]
    late = [{one: load.rate * given.late(load, one) for one in semi_pd.grid()} for load in loads]
    taken = semi_pd.controller(given, loads, (1.0, 1.0))
    steps = np.abs(np.diff(np.asarray(taken), axis=0))
    assert steps.max() < 0.11
    # It has seen nothing of a window that begins.
    assert semi_pd.controller(given, [*loads[:20], loads[0]], (1.0, 1.0)) == taken[:21]
    missed = sum(window[shares] for window, shares in zip(late, taken, strict=True))
    assert missed <= 1.1 * semi_pd.best_path(late, (1.0, 1.0))
    assert missed <= min(sum(window[one] for window in late) for one in semi_pd.grid())


# --------------------------------------------------------------------------------- sarathi-budget


def test_the_rule_takes_the_largest_budget_that_keeps_the_limit() -> None:
    server = sarathi_budget.server(requests=40)
    strict, relaxed = server.rule(0.1), server.rule(0.5)
    assert strict < relaxed
    decodes = Batch.decode(128, 128 * 2000)
    assert server.cost.seconds(Batch.prefill(strict - 128) + decodes) <= 0.1
    later = sarathi_budget.BUDGETS[sarathi_budget.BUDGETS.index(strict) + 1]
    assert server.cost.seconds(Batch.prefill(later - 128) + decodes) > 0.1


def test_chunks_keep_decodes_going() -> None:
    server = sarathi_budget.server(requests=60)
    whole = server.capacity(PrefillFirst(), 0.1)
    chunked = server.capacity(Sarathi(tokens=1024), 0.1)
    assert whole < chunked <= server.bound


def test_no_iteration_passes_tokens_faster_than_the_bound_says() -> None:
    server = sarathi_budget.server(requests=40)
    tokens = float((server.prompts + server.outputs - 1).mean())
    rng = np.random.default_rng(3)
    for _ in range(200):
        decodes = int(rng.integers(0, 128))
        batch = Batch.decode(decodes, decodes * int(rng.integers(1, 5000)))
        for _ in range(int(rng.integers(1, 4))):
            batch += Batch.prefill(int(rng.integers(1, 4000)), int(rng.integers(0, 4000)))
        assert batch.tokens / server.cost.seconds(batch) <= server.bound * tokens * (1 + 1e-9)


def test_the_time_between_tokens_counts_iterations_without_decodes() -> None:
    recorded = sarathi_budget.Recorded(Affine(0.01, 0.001))
    recorded.seconds(Batch.decode(9, 90))
    recorded.seconds(Batch.prefill(100))
    recorded.seconds(Batch.decode(1, 10))
    assert recorded.quantile(0.5) == pytest.approx(0.019)
    assert recorded.quantile(0.99) == pytest.approx(0.11 + 0.011)
    assert recorded.line(Batch.decode(1, 1)) is None


# --------------------------------------------------------------------------------------- blockllm


def drawn_blocks(seed: int) -> blockllm.Applications:
    rng = np.random.default_rng(seed)
    chains = tuple(tuple(int(b) for b in rng.choice(5, 3, replace=False)) for _ in range(2))
    rates = tuple(float(rate) for rate in rng.integers(1, 9, 2))
    return blockllm.Applications(
        chains,
        rates,
        sizes=np.full(5, 2.0 * 2**20),
        work=rng.uniform(0.05, 0.2, 5).round(2),
        memory=7.0 * 2**20,
        processors=float(rng.uniform(1.5, 3.0)),
        servers=2,
    )


def fewest_changes(given: blockllm.Applications) -> float | None:
    best: float | None = None
    paths = list(product(range(given.servers), repeat=3))
    for chosen in product(paths, repeat=len(given.chains)):
        held: dict[int, set[int]] = {server: set() for server in range(given.servers)}
        work = dict.fromkeys(held, 0.0)
        changes = 0.0
        for chain, rate, path in zip(given.chains, given.rates, chosen, strict=True):
            for block, server in zip(chain, path, strict=True):
                held[server].add(block)
                work[server] += rate * float(given.work[block])
            changes += rate * sum(a != b for a, b in pairwise(path))
        sizes = [sum(float(given.sizes[block]) for block in blocks) for blocks in held.values()]
        if max(sizes) <= given.memory and max(work.values()) <= given.processors:
            best = changes if best is None else min(best, changes)
    return best


@pytest.mark.parametrize("seed", range(5))
def test_blocks_are_placed_with_fewest_changes(seed: int) -> None:
    given = drawn_blocks(seed)
    fewest = fewest_changes(given)
    if fewest is None:
        assert blockllm.best_placement(given, 20.0) is None
        assert blockllm.by_rule(given) is None
        return
    placed = blockllm.best_placement(given, 20.0)
    assert placed is not None
    assert placed.changes == pytest.approx(fewest)
    assert placed.changes - 0.001 <= placed.bound <= placed.changes
    paths = blockllm.by_rule(given)
    if paths is not None:
        ruled = blockllm.measured(given, paths, placed.bound)
        assert ruled.changes >= fewest - 1e-9
        assert blockllm.best_placement(given, 20.0, paths) is not None
    assert given.shared <= placed.held


def test_servers_that_hold_too_much_are_caught() -> None:
    given = drawn_blocks(0)
    with pytest.raises(CheckError):
        blockllm.measured(given, [(0, 0, 0), (0, 0, 0)], 0.0)
