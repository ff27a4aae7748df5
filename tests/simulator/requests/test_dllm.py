"""dLLM-Serve: what steps compute, and that they never exceed the budget."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.cost.protocol import Affine, Batch
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.dllm import DllmServe
from scheduling.simulator.requests.run import FleetRun
from tests.serving_runs import table, tables


@dataclass(frozen=True, slots=True)
class Watched(Affine):
    """A cost model that notes the tokens and requests of every step."""

    seen: tuple[list[tuple[int, int]], ...] = ([],)

    def seconds(self, batch: Batch) -> float:
        self.seen[0].append((batch.new_tokens, batch.prefills))
        return self.base + self.per_token * batch.tokens


def run(requests: RequestTable, policy: DllmServe) -> tuple[FleetRun, list[tuple[int, int]]]:
    cost = Watched(0.001, 1e-5, seen=([],))
    group = Group("all", cost, kv_tokens=10**5, max_sequences=512, composition=policy)
    return simulate_fleet(Deployment((group,)), requests), cost.seen[0]


def test_a_step_a_token_two_of_each_block_over_the_whole_sequence() -> None:
    _, steps = run(table([0], [100], [70]), DllmServe())
    assert len(steps) == 70
    # Blocks begin at steps 0, 32 and 64.
    heavy = [0, 1, 32, 33, 64, 65]
    assert [place for place, (tokens, _) in enumerate(steps) if tokens == 169] == heavy
    assert {tokens for tokens, _ in steps} == {169, 32}


@given(tables(), st.sampled_from([60, 200, 1000]), st.booleans(), st.booleans())
def test_no_step_exceeds_the_budget_but_for_one_long_sequence(
    requests: RequestTable, budget: int, aware: bool, skips: bool
) -> None:
    _, steps = run(requests, DllmServe(budget, aware=aware, skips=skips))
    assert all(tokens <= budget or count == 1 for tokens, count in steps)


def test_phases_that_are_known_pack_more() -> None:
    requests = table([0] * 40, 400, 128)
    aware, _ = run(requests, DllmServe(4096))
    blind, _ = run(requests, DllmServe(4096, aware=False))
    assert aware.makespan_seconds < blind.makespan_seconds


def test_to_pass_over_what_does_not_fit_is_no_slower() -> None:
    requests = table([0] * 40, 400, 128)
    skipping, _ = run(requests, DllmServe(2048, skips=True))
    plain, _ = run(requests, DllmServe(2048))
    by = plain.ended_ns.max()
    assert (skipping.ended_ns <= by).sum() >= (plain.ended_ns <= by).sum() - 1
