"""DualMap: rings, keys and choices in small cases, and nothing lost on the way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.paths import Paths
from scheduling.scenarios.dualmap import remapped
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.policies.dualmap import (
    DualMap,
    Keys,
    LeastTtft,
    PrefixHash,
    Ring,
)
from scheduling.simulator.requests.policies.retention import LeastRecent
from tests.properties import examples
from tests.serving_runs import table

SECOND = 1_000_000_000
COST = Affine(base=0.01, per_token=1e-3)


def fleet(replicas: int) -> Deployment:
    group = Group("all", COST, 4000, replicas=replicas, block_size=10, retention=LeastRecent())
    return Deployment((group,))


@given(st.integers(2, 12), st.integers(0, 10**6))
@examples(50)
def test_keys_have_two_nodes_and_a_new_node_takes_some_of_them(nodes: int, key: int) -> None:
    before, after = Ring(range(nodes)), Ring(range(nodes + 1))
    pair = before.pair(key)
    assert len(set(pair)) == 2
    # A key moves to the new node or stays where it was.
    for salt in ("first", "second"):
        assert after.node(key, salt) in (before.node(key, salt), nodes)


@pytest.mark.parametrize("nodes", [4, 8, 16])
def test_adding_a_node_remaps_no_more_than_twice_its_share(nodes: int) -> None:
    assert remapped(nodes) <= 2 / nodes


def test_keys_go_on_where_prompts_are_many() -> None:
    # Half begin with stream 0 and part at streams 1 to 4; the others share nothing.
    prompts = [
        [(0, 10), (1 + row % 8 // 2, 20)] if row % 2 == 0 else [(10 + row, 10)]
        for row in range(200)
    ]
    keys = Keys(Paths.of(prompts), 8)
    found = [keys.of(row) for row in range(200)]
    assert set(found[100::2]) == {1, 2, 3, 4}
    assert found[101::2] == [10 + row for row in range(101, 200, 2)]


def test_prompts_meet_their_prefix_unless_it_is_late() -> None:
    # One long prefix again and again: the second asks when the first has ended.
    prompts = [[(0, 300), (1 + row, 310)] for row in range(4)]
    paths = Paths.of(prompts)
    spread = table(np.arange(4) * 2 * SECOND, 310, 2)
    run = simulate_fleet(fleet(2), spread, router=DualMap(paths, 5.0), paths=paths)
    assert len(set(run.instance.tolist())) == 1
    assert (run.hit_tokens[1:] == 300).all()
    # All at once, with little patience, both instances of the key work.
    at_once = table(np.zeros(4), 310, 2)
    hurried = simulate_fleet(fleet(2), at_once, router=DualMap(paths, 0.5), paths=paths)
    assert len(set(hurried.instance.tolist())) == 2


def test_late_prompts_move_to_their_other_instance() -> None:
    class Narrow(DualMap):
        """Sends everything to the first instance of a pair; only looks mend that."""

        def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
            super().choose(candidates, request, now)
            return self.take(candidates[0], request, now)

    prompts = [[(row, 300)] for row in range(8)]
    paths = Paths.of(prompts)
    at_once = table(np.zeros(8), 300, 2)
    run = simulate_fleet(fleet(2), at_once, router=Narrow(paths, 1.0), paths=paths)
    assert set(run.instance.tolist()) == {0, 1}
    assert run.rejected == 0


@given(data=st.data(), limit=st.floats(0.01, 1.0))
@examples(40)
def test_everybody_is_served_and_jumps_change_nothing(data: st.DataObject, limit: float) -> None:
    count = data.draw(st.integers(1, 12))
    prompts = []
    for row in range(count):
        shared = data.draw(st.integers(0, 2))
        prompts.append([(shared, 20 * (shared + 1)), (10 + row, 20 * (shared + 1) + 15)])
    paths = Paths.of(prompts)
    lengths = [prompt[-1][1] for prompt in prompts]
    gaps = data.draw(st.lists(st.sampled_from([0, 10**7, 10**8]), min_size=count, max_size=count))
    requests = table(np.cumsum(gaps), lengths, data.draw(st.integers(1, 30)))
    for make in (
        lambda: DualMap(paths, limit),
        lambda: LeastTtft(paths),
        lambda: PrefixHash(paths),
    ):
        runs = [
            simulate_fleet(fleet(3), requests, router=make(), paths=paths, jumps=jumps)
            for jumps in (True, False)
        ]
        assert runs[0].served.all()
        assert np.array_equal(runs[0].ended_ns, runs[1].ended_ns)
        assert np.array_equal(runs[0].instance, runs[1].instance)


def test_limits_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="ttft_seconds"):
        DualMap(Paths.of([[(0, 10)]]), 0.0)
