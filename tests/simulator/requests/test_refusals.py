"""Decisions that cannot be, fleets that contradict themselves, requests that fit nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from scheduling.errors import InputError, PolicyError, UnsupportedError
from scheduling.models.cost.protocol import Affine
from scheduling.models.requests.scenario import RequestScenario
from scheduling.simulator.requests.compare import Watch, simulate_requests
from scheduling.simulator.requests.deployment import Deployment, Flow, Group, Link
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.instance import Instance
from scheduling.simulator.requests.live import Live
from scheduling.simulator.requests.policies.admission import Reserve
from scheduling.simulator.requests.policies.routing import RoundRobin
from scheduling.simulator.requests.policy import Provenance, Sending
from scheduling.simulator.requests.turn import Turn
from tests.serving_runs import table

COST = Affine(base=1e-3, per_token=0.0)


@dataclass
class Odd:
    """A composition that does what it is told to."""

    act: Callable[[Turn], object]
    name: str = "odd"
    provenance: Provenance = "inferred"
    steady: bool = True

    def compose(self, turn: Turn) -> None:
        """Do it."""
        self.act(turn)


@dataclass
class Grants:
    """An admission that gives so many blocks, or one more than there is."""

    blocks: int | None = None
    name: str = "grants"
    provenance: Provenance = "inferred"
    steady: bool = True
    grows: bool = True
    longest: int | None = None

    def grant(self, turn: Turn, request: Live) -> int:
        """Give them."""
        del request
        return turn.free_blocks + 1 if self.blocks is None else self.blocks


@dataclass
class Forgets:
    """An eviction after which requests begin anew with so many tokens."""

    tokens: int
    name: str = "forgets"
    provenance: Provenance = "inferred"

    def ranking(self, running: Sequence[Live]) -> list[Live]:
        """Order them as they are."""
        return list(running)

    def restart(self, request: Live) -> int:
        """Return the number."""
        del request
        return self.tokens


def too_much(turn: Turn) -> None:
    request = turn.admit()
    if request is not None:
        turn.prefill(request, request.left + 1)


def never_begun(turn: Turn) -> None:
    if turn.head is not None:
        turn.prefill(turn.head, 1)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda turn: None, "waits for ever"),
        (too_much, "6 prompt tokens of it, which has 5 left"),
        (never_begun, "1 prompt tokens of it"),
        (lambda turn: turn.admit(), "has begun and nothing runs"),
    ],
)
def test_impossible_batches_name_policy_time_and_request(
    act: Callable[[Turn], object], message: str
) -> None:
    group = Group("all", COST, kv_tokens=100, composition=Odd(act))
    with pytest.raises(PolicyError, match=message) as caught:
        simulate_fleet(Deployment((group,)), table([10**9], [5], [2]))
    for part in ("odd", "watermark", "all/0", "1.000000 s", "request 0"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [(None, "11 blocks for it, 10 are free"), (1, "1 blocks for its 20 tokens")],
)
def test_memory_that_is_not_there_or_not_enough_is_refused(
    blocks: int | None, message: str
) -> None:
    group = Group("all", COST, kv_tokens=160, admission=Grants(blocks))
    with pytest.raises(PolicyError, match=f"grants.*{message}"):
        simulate_fleet(Deployment((group,)), table([0], [20], [2]))


@pytest.mark.parametrize("tokens", [0, 9, 14])
def test_a_restart_computes_its_prompt_and_no_more_than_it_had(tokens: int) -> None:
    group = Group("all", COST, kv_tokens=24, block_size=1, eviction=Forgets(tokens))
    with pytest.raises(PolicyError, match=f"forgets.*anew up to token {tokens}"):
        simulate_fleet(Deployment((group,)), table([0, 0], [10, 10], [9, 9]))


def test_a_restart_may_drop_its_answer() -> None:
    group = Group("all", COST, kv_tokens=24, block_size=1, eviction=Forgets(10))
    run = simulate_fleet(Deployment((group,)), table([0, 0], [10, 10], [9, 9]))
    assert run.served.all()
    assert run.restarts.sum() >= 1


def test_requests_that_fit_nowhere_are_rejected_and_the_rest_is_served() -> None:
    groups = (
        Group("small", COST, kv_tokens=32),
        Group("large", COST, kv_tokens=320),
        Group("short", COST, kv_tokens=320, admission=Reserve(20)),
        Group("none", COST, kv_tokens=320, admission=Reserve(400)),
    )
    run = simulate_fleet(Deployment(groups), table([0] * 4, [10, 30, 300, 320], [5, 10, 21, 2]))
    assert run.served.tolist() == [True, True, True, False]
    assert run.rejected == 1
    assert run.instance[2] == 1
    assert 3 not in run.instance


def test_fleets_that_contradict_themselves_are_refused() -> None:
    one = Group("one", COST, kv_tokens=100)
    prefill = Group("p", COST, kv_tokens=100, role="prefill")
    with pytest.raises(InputError, match="a name of its own"):
        Deployment((one, one))
    with pytest.raises(InputError, match="a name of its own"):
        Deployment(())
    with pytest.raises(InputError, match=r"one\.replicas: found 0, expected at least 1"):
        Group("one", COST, kv_tokens=100, replicas=0)
    bad = (
        Flow("all", "two"),
        Flow("all", "p"),
        Flow("all", "p", "one", weight=0.0),
    )
    with pytest.raises(InputError) as caught:
        Deployment((one, prefill), bad)
    places = [fault.place for fault in caught.value.faults]
    assert places == [
        "flows[0].group",
        "flows[1].group",
        "flows[2].decode",
        "flows[2].link",
        "flows[2].weight",
    ]
    with pytest.raises(InputError, match="demand 'all'"):
        simulate_fleet(Deployment((prefill,)), table([0], [1], [1]))
    with pytest.raises(InputError, match="a positive rate"):
        Link(bytes_per_token=1.0, bytes_per_second=0.0)


def test_unknown_routers_are_refused() -> None:
    fleet = Deployment((Group("one", COST, kv_tokens=100),))
    with pytest.raises(UnsupportedError, match="did you mean 'round-robin'"):
        simulate_fleet(fleet, table([0], [1], [1]), router="roundrobin")


class Astray(RoundRobin):
    """A router that sends everybody to one instance, of an answer or of a prompt."""

    def __init__(self, fleet: Sequence[Instance] = (), *, prompts: bool = True) -> None:
        super().__init__()
        self._fleet = fleet
        self._prompts = prompts
        self.period_ns = 10**9

    def begin(self, programs: object, fleet: Sequence[Instance]) -> None:
        """Remember the instances that compute prompts."""
        del programs
        self._fleet = fleet

    def admits(self, request: Live, now: int) -> bool:
        """Hold nothing back."""
        del request, now
        return True

    def tick(self, now: int) -> Sequence[Sending]:
        """Send nothing."""
        del now
        return ()

    def choose(self, candidates: Sequence[Instance], request: Live, now: int) -> Instance:
        """Return the last of all for prompts, or the first of all for answers."""
        decodes = candidates[0].group.role == "decode"
        if decodes == self._prompts:
            return super().choose(candidates, request, now)
        return self._fleet[0 if decodes else -1]


class Holds(Astray):
    """A router that lets nobody on."""

    def admits(self, request: Live, now: int) -> bool:
        """Hold all back but the first."""
        del now
        return request.row == 0


def test_requests_are_sent_only_where_they_may_go() -> None:
    groups = (
        Group("p", COST, 100, role="prefill"),
        Group("d", COST, 100, role="decode"),
        Group("w", COST, 100),
    )
    fleet = Deployment(groups, (Flow("all", "p", "d", link=Link(1.0, 1e6)),))
    for router, place in ((Astray(), "w/2"), (Astray(prompts=False), "p/0")):
        with pytest.raises(PolicyError, match=f"sent to {place}, where it may not go") as caught:
            simulate_fleet(fleet, table([10**9], [5], [2]), router=router)
        assert "round-robin at 1.0" in str(caught.value)
        assert "request 0" in str(caught.value)


def test_a_router_that_lets_nobody_on_is_no_endless_run() -> None:
    fleet = Deployment((Group("one", COST, kv_tokens=100),))
    with pytest.raises(PolicyError, match=r"request 1: it waits for ever, and so do 1 others"):
        simulate_fleet(fleet, table([0, 0, 10**9], [5] * 3, [2] * 3), router=Holds())


def test_a_batch_that_is_always_put_off_is_no_endless_run() -> None:
    def put_off(turn: Turn) -> None:
        turn.wake_ns = turn.now + 1

    group = Group("all", COST, kv_tokens=100, composition=Odd(put_off))
    with pytest.raises(PolicyError, match=r"odd.*request 0: nothing has run in 100000 turns"):
        simulate_fleet(Deployment((group,)), table([0], [5], [2]))


def test_a_policy_that_there_is_not_is_refused_before_any_run() -> None:
    scenario = RequestScenario.model_validate(
        {
            "kind": "requests",
            "replica": {
                "cost": {"base_seconds": 0.01, "per_token_seconds": 1e-5},
                "kv_tokens": 1000,
            },
            "workload": {
                "classes": [
                    {
                        "arrivals": {"kind": "poisson", "rate": 1.0},
                        "prompt": {"kind": "fixed", "tokens": 10},
                        "output": {"kind": "fixed", "tokens": 2},
                    }
                ]
            },
            "requests": 3,
        }
    )
    ran: list[object] = []
    with pytest.raises(UnsupportedError, match="no policy 'serrathi'"):
        simulate_requests(scenario, ["sarathi", "serrathi"], watch=Watch(on_run=ran.append))
    assert not ran


def test_answers_that_come_whole_are_not_split_from_their_prompts() -> None:
    replica = {"cost": {"base_seconds": 0.001, "per_token_seconds": 0.001}, "kv_tokens": 700}
    one = {"kind": "fixed", "tokens": 20}
    problem = RequestScenario.model_validate(
        {
            "groups": [
                {"name": "p", "replica": replica, "role": "prefill"},
                {"name": "d", "replica": replica, "role": "decode"},
            ],
            "ways": [
                {
                    "groups": ["p"],
                    "decode": ["d"],
                    "link": {"bytes_per_second": 1e6, "bytes_per_token": 1},
                }
            ],
            "requests": 2,
            "workload": {
                "classes": [
                    {"arrivals": {"kind": "poisson", "rate": 5.0}, "prompt": one, "output": one}
                ]
            },
        }
    )
    assert simulate_requests(problem, ["sarathi"]).outcomes[0].run.rejected == 0
    with pytest.raises(
        InputError, match=r"groups\[0\]\.role: found prefill, expected both, as dllm"
    ):
        simulate_requests(problem, ["sarathi", "dllm-whole"])
