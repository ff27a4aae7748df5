"""No policy beats the bounds: those of the registry, and one that does what it likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine, KnowsMinorants, Minorant
from scheduling.models.requests.blocks import Blocks
from scheduling.models.requests.needs import Limits, floors, needs
from scheduling.models.requests.paths import Paths
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.certify import Certified, Certifier, Certifiers
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.host import HostTier
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.metrics import Slo
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.policy import Provenance
from scheduling.simulator.requests.registry import STRATEGIES, strategy
from scheduling.simulator.requests.strategy import Setting
from scheduling.simulator.requests.turn import Turn
from tests.properties import examples
from tests.serving_runs import Kinked, table, tables

AFFINE = st.builds(
    Affine,
    base=st.sampled_from([0.0, 1e-4, 1e-2]),
    per_token=st.sampled_from([1e-6, 1e-4, 3e-3]),
    per_kv=st.sampled_from([0.0, 1e-6, 1e-4, 2e-3]),
    per_pair=st.sampled_from([0.0, 1e-6]),
)
MINORANTS = st.builds(
    Minorant,
    base=st.sampled_from([0.0, 1e-3]),
    new=st.sampled_from([0.0, 1e-6, 1e-3]),
    decode=st.sampled_from([0.0, 1e-5, 1e-2]),
    context=st.sampled_from([0.0, 1e-6, 1e-2]),
    cached=st.sampled_from([0.0, 1e-4]),
    pair=st.sampled_from([0.0, 1e-6]),
)
SLOS = st.builds(
    Slo,
    ttft_seconds=st.sampled_from([None, 0.005, 0.1]),
    tpot_seconds=st.sampled_from([None, 0.002, 0.05]),
    e2e_seconds=st.sampled_from([None, 0.01, 0.5]),
)


@dataclass
class Whim:
    """A batch of drawn chunks, with drawn evictions through a full memory."""

    draws: np.random.Generator
    name: str = "whim"
    provenance: Provenance = "inferred"
    steady: bool = False

    def compose(self, turn: Turn) -> None:
        """Decode mostly, compute chunks of drawn prompts, admit while it likes."""
        if self.draws.random() < 0.8:
            turn.decode()
        while self.draws.random() < 0.7 and turn.admit() is not None:
            pass
        for request in turn.prefilling:
            if self.draws.random() < 0.7:
                turn.prefill(request, int(self.draws.integers(1, request.left + 1)))
        if not turn.decodes and not turn.chunks and not turn.decode():
            if not turn.prefilling:
                turn.admit()
            if turn.prefilling:
                turn.prefill(turn.prefilling[0], turn.prefilling[0].left)

    def ranking(self, running: Sequence[Live]) -> list[Live]:
        """Rank by lot: the last one is evicted."""
        order = self.draws.permutation(len(running))
        return [running[place] for place in order.tolist()]

    def restart(self, request: Live) -> int:
        """Begin anew with what is made of the answer."""
        return max(request.target, request.done)


def beaten(
    fleet: Deployment,
    requests: RequestTable,
    slo: Slo,
    warmup: float = 0.0,
    *,
    whole: bool = False,
) -> list[str]:
    """Return the objectives in which a run is better than its bound."""
    run = simulate_fleet(fleet, requests)
    found = Certifier(fleet.groups, {"all": slo}, warmup, whole_answers=whole).certify(run)
    assert found or not run.served.any() or warmup
    return better(found)


def better(found: Sequence[Certified]) -> list[str]:
    """Return the objectives whose values are better than their bounds."""
    wrong = []
    for one in found:
        if one.bound is None:
            assert one.objective == "in-slo"
            continue
        assert one.gap is not None
        lead = one.bound - one.value if one.sense == "min" else one.value - one.bound
        if lead > 0:
            wrong.append(f"{one}")
    return wrong


def setting(
    requests: RequestTable, cost: Affine, limit: float | None, paths: Paths | None = None
) -> Setting:
    """Return what strategies are made for."""
    longest = int((requests.prompt_tokens + requests.output_tokens).max())
    answer = int(requests.output_tokens.max())
    return Setting(requests, cost, (limit,), longest, answer, paths=paths)


def replicas(
    requests: RequestTable,
    cost: Affine,
    draw: st.DataObject,
    name: str,
    paths: Paths | None = None,
) -> Group:
    """Draw replicas whose memory may run short."""
    limit = draw.draw(st.sampled_from([None, 0.01, 0.5]))
    made = setting(requests, cost, limit, paths)
    chosen = strategy("sarathi" if name == "whim" else name, made)
    whim = Whim(np.random.default_rng(draw.draw(st.integers(0, 999))))
    free = name == "whim"
    return Group(
        "all",
        cost,
        kv_tokens=draw.draw(st.integers(60, 400)),
        replicas=draw.draw(st.integers(1, 2)),
        max_sequences=draw.draw(st.sampled_from([1, 2, 5, 64])),
        block_size=draw.draw(st.sampled_from([1, 4, 16])),
        composition=whim if free else chosen.composition,
        admission=chosen.admission,
        eviction=whim if free else chosen.eviction,
        order=chosen.order,
    )


@pytest.mark.parametrize("name", [*STRATEGIES, "whim"])
@given(requests=tables(), cost=AFFINE, slo=SLOS, draw=st.data())
@examples(25)
def test_no_policy_beats_the_bounds(
    name: str, requests: RequestTable, cost: Affine, slo: Slo, draw: st.DataObject
) -> None:
    group = replicas(requests, cost, draw, name)
    warmup = draw.draw(st.sampled_from([0.0, 0.0, 0.2]))
    whole = name.startswith("dllm")
    assert not beaten(Deployment((group,)), requests, slo, warmup, whole=whole)


@given(requests=tables(), fast=AFFINE, slow=AFFINE, slo=SLOS, apart=st.booleans())
@examples(60)
def test_no_mix_of_groups_beats_the_bounds(
    requests: RequestTable, fast: Affine, slow: Affine, slo: Slo, apart: bool
) -> None:
    first = Group("first", fast, 300, role="prefill" if apart else "both", block_size=4)
    second = Group("second", slow, 200, role="decode" if apart else "both", max_sequences=3)
    flow = Flow("all", "first", "second", link=Link(8.0, 1e6))
    fleet = Deployment((first, second), (flow,) if apart else ())
    assert not beaten(fleet, requests, slo)


@st.composite
def shared_prompts(draw: st.DrawFn) -> tuple[RequestTable, Paths]:
    """Draw requests whose prompts begin with blocks of earlier ones, and what they consist of."""
    size = draw(st.sampled_from([4, 16, 24]))
    prompts: list[list[int]] = []
    for number in range(draw(st.integers(1, 10))):
        head = draw(st.sampled_from([[], *prompts]))
        head = head[: draw(st.integers(0, len(head)))]
        fresh = draw(st.integers(0 if head else 1, 2))
        prompts.append([*head, *range(2 * number, 2 * number + fresh)])
    starts = np.cumsum([0, *map(len, prompts)])
    blocks = Blocks(size, np.concatenate(prompts), starts)
    lengths = np.diff(starts) * size - draw(st.integers(0, size - 1))
    arrivals = np.cumsum([draw(st.sampled_from([0, 0, 10**6, 10**8])) for _ in prompts])
    outputs = [draw(st.integers(1, 40)) for _ in prompts]
    requests = table(arrivals, lengths, outputs, blocks.cached_tokens(lengths))
    return requests, Paths.of_blocks(blocks, lengths)


@given(
    name=st.sampled_from(["apc", "batchllm", "whim"]),
    shared=shared_prompts(),
    cost=AFFINE,
    slo=SLOS,
    draw=st.data(),
)
@examples(25)
def test_no_policy_that_keeps_prefixes_beats_the_bounds(
    name: str, shared: tuple[RequestTable, Paths], cost: Affine, slo: Slo, draw: st.DataObject
) -> None:
    requests, paths = shared
    chosen = strategy("apc" if name == "whim" else name, setting(requests, cost, None, paths))
    host = draw.draw(st.sampled_from([None, HostTier(60, 1e5), HostTier(1000, 1e5, True)]))
    group = replicas(requests, cost, draw, name, paths)
    group = replace(group, retention=chosen.retention, host=host)
    run = simulate_fleet(Deployment((group,)), requests, paths=paths)
    found = Certifiers(None, requests, {"all": slo}, 0.0, prefixes=True).certify(
        (group,), run, False
    )
    assert not better(found)


def test_computing_anew_may_be_cheaper_than_reading_what_is_kept() -> None:
    """Two equal prompts at one time: neither finds the other's, and computing costs next to
    nothing.
    """
    cost = Affine(base=1e-3, per_token=1e-6, per_kv=1e-3)
    blocks = Blocks(16, np.array([0, 1, 0, 1]), np.array([0, 2, 4]))
    lengths = np.array([32, 32])
    requests = table([0, 0], lengths, [1, 1], blocks.cached_tokens(lengths))
    group = Group("all", cost, kv_tokens=160, retention=LeastRecent())
    run = simulate_fleet(Deployment((group,)), requests, paths=Paths.of_blocks(blocks, lengths))
    assert run.hit_tokens.tolist() == [0, 0]
    found = Certifiers(None, requests, {}, 0.0, prefixes=True).certify((group,), run, False)
    assert len(found) == 3
    assert not better(found)


def test_a_kept_prompt_makes_evictions_cheaper_than_steps() -> None:
    """Where steps are dear and what is kept costs nothing, evictions go round every step."""
    below = Minorant(base=1e-3, new=1e-6, decode=1e-6, context=1e-3)
    requests = table([0], [64], [3])
    limits = Limits(sequences=4, kv_tokens=1000, block_size=1)
    assert floors(requests, [below]).rest == pytest.approx(2e-3 + 131e-6)
    assert needs(requests, below, 0.0, limits).rest == pytest.approx(0.5e-3 + 131e-6)
    kept = floors(requests, [below], keeps=True)
    assert kept.rest == pytest.approx(2e-3 + 5e-6)
    assert needs(requests, below, 0.0, replace(limits, keeps=True)).rest == pytest.approx(
        0.5e-3 + 5e-6
    )


@given(requests=tables(), one=MINORANTS, keeps=st.booleans())
@examples(60)
def test_later_tokens_cost_the_lesser_of_a_step_and_an_eviction(
    requests: RequestTable, one: Minorant, keeps: bool
) -> None:
    expected = []
    columns = (requests.prompt_tokens, requests.output_tokens, requests.cached_tokens)
    for prompt, answer, cached in zip(*(column.tolist() for column in columns), strict=True):
        found = prompt - 1 if keeps else cached
        each = []
        for tokens in range(prompt + 1, prompt + answer):
            again = (one.new + one.pair * found) * (tokens - found) + one.cached * found
            each.append(min(one.decode + one.context * tokens, again))
        expected.append(sum(each) + one.base * len(each))
    found = floors(requests, [one], keeps=keeps).rest
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


def test_one_request_alone_meets_its_bound() -> None:
    cost = Affine(0.01, 1e-4, 1e-6)
    group = Group("all", cost, kv_tokens=4096)
    run = simulate_fleet(Deployment((group,)), table([0], [100], [50]))
    found = Certifier((group,), {"all": Slo(e2e_seconds=1.0)}).certify(run)
    assert [one.objective for one in found] == ["e2e", "ttft", "makespan", "in-slo"]
    assert all(one.gap is not None and one.gap < 1e-6 for one in found)


def test_requests_that_fill_a_batch_come_near_their_bound() -> None:
    cost = Affine(0.01, 1e-4, 0.0)
    group = Group("all", cost, kv_tokens=64_000, max_sequences=8)
    run = simulate_fleet(Deployment((group,)), table([0] * 160, [16] * 160, [100] * 160))
    found = Certifier((group,), {}).certify(run)
    gaps = {one.objective: one.gap for one in found}
    assert gaps["makespan"] == pytest.approx(0.0, abs=0.05)
    assert gaps["e2e"] == pytest.approx(0.0, abs=0.05)


def test_times_without_functions_below_them_have_no_bound() -> None:
    cost = Kinked()
    assert not isinstance(cost, KnowsMinorants)
    group = Group("all", cost, kv_tokens=4096)
    run = simulate_fleet(Deployment((group,)), table([0, 5], [100, 20], [50, 3]))
    found = Certifier((group,), {"all": Slo(1.0)}).certify(run)
    assert [one.bound for one in found] == [None] * 4
    assert [one.gap for one in found] == [None] * 4


def test_that_all_might_keep_their_limits_is_no_bound() -> None:
    cost = Affine(0.01, 1e-4, 0.0)
    group = Group("all", cost, kv_tokens=400, max_sequences=2)
    requests = table([0, 0, 0, 0], [100] * 4, [50] * 4)
    run = simulate_fleet(Deployment((group,)), requests)
    loose = Certifier((group,), {"all": Slo(ttft_seconds=0.07)}).certify(run)[-1]
    tight = Certifier((group,), {"all": Slo(ttft_seconds=0.035)}).certify(run)[-1]
    assert (loose.value, loose.bound, loose.gap) == (2, None, None)
    assert (tight.value, tight.bound, tight.gap) == (2, 2, 0)


def test_evictions_may_be_cheaper_than_reading_what_is_kept() -> None:
    """Three blocks hold the last request, which vLLM still evicts whenever none is free."""
    zero = np.zeros(3, dtype=np.int64)
    last = np.array([0, 0, 1])
    requests = RequestTable(zero, 1 + 4 * last, 1 + 37 * last, zero, 4 * last)
    cost = Affine(base=0.0, per_token=1e-6, per_kv=1e-4)
    chosen = strategy("vllm", Setting(requests, cost, (None,), 43, 38))
    group = Group(
        "all",
        cost,
        kv_tokens=60,
        max_sequences=1,
        composition=chosen.composition,
        admission=chosen.admission,
        eviction=chosen.eviction,
    )
    assert simulate_fleet(Deployment((group,)), requests).restarts.tolist() == [0, 0, 9]
    assert not beaten(Deployment((group,)), requests, Slo())
