"""Strategies of published systems that decide what an instance batches."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from scheduling.models.cost.protocol import Batch
from scheduling.models.requests.prefix_groups import PrefixGroup, prefix_groups
from scheduling.simulator.requests.policies.admission import Reserve
from scheduling.simulator.requests.policies.batchllm import (
    BATCH_TOKENS,
    GroupBatch,
    GroupOrder,
    group_ranks,
)
from scheduling.simulator.requests.policies.composition import PrefillFirst, Sarathi
from scheduling.simulator.requests.policies.dllm import STEP_TOKENS, DllmServe
from scheduling.simulator.requests.policies.eviction import LatestArrival
from scheduling.simulator.requests.policies.fastswitch import (
    HOST_RATE,
    PriorityBatch,
    ShuffledPriority,
    Swap,
)
from scheduling.simulator.requests.policies.flowprefill import OPERATORS, FlowPrefill
from scheduling.simulator.requests.policies.jitserve import JitServe, Rule, Worth
from scheduling.simulator.requests.policies.laps import LONGEST_SHORT, Laps
from scheduling.simulator.requests.policies.layered import (
    GROUP_TOKENS,
    LayeredPrefill,
    groups_by_length,
    released_groups,
)
from scheduling.simulator.requests.policies.ordering import (
    EarliestDeadline,
    ShortestRemaining,
    SlackDeadline,
)
from scheduling.simulator.requests.policies.punctual import Punctual
from scheduling.simulator.requests.policies.retention import LeastRecent
from scheduling.simulator.requests.policies.streaming import (
    STREAM_TOKENS,
    StreamBatch,
    SwapOrRecompute,
)
from scheduling.simulator.requests.policies.streaming import Rule as StreamRule
from scheduling.simulator.requests.policy import Eviction, Provenance, Ranking
from scheduling.simulator.requests.strategy import TOKENS, Limits, Maker, Setting, Strategy, whole

_COPY_BLOCKS = 16
_EVERY, _BESIDE = 50, 16
_BATCH = 8192
_STEPS: Limits = (1.0, 1e6, "whole steps")
_RATE: Limits = (1.0, 1e12, "tokens a second")
_OPERATORS: Limits = (1.0, 1e6, "whole operators of a pass")


def _flowprefill(setting: Setting, value: float | None) -> Strategy:
    order = SlackDeadline(setting.ttft_seconds, setting.cost, provenance="paper")
    summary = "prompts give way between operators to the earliest deadline that can be kept"
    return _preempting(setting, value, order, summary)


def _preemptive_edf(setting: Setting, value: float | None) -> Strategy:
    order = EarliestDeadline(setting.ttft_seconds)
    summary = "prompts give way between operators to earlier deadlines"
    return _preempting(setting, value, order, summary)


def _preemptive_srpt(setting: Setting, value: float | None) -> Strategy:
    summary = "prompts give way between operators to those that take less"
    return _preempting(setting, value, ShortestRemaining(setting.cost), summary)


def _preempting(setting: Setting, value: float | None, order: Ranking, summary: str) -> Strategy:
    policy = FlowPrefill(order, setting.ttft_seconds, whole(value, OPERATORS))
    return Strategy(policy.name, summary, policy, order=order)


def _layered(setting: Setting, value: float | None) -> Strategy:
    del setting
    groups = partial(groups_by_length, per_group=whole(value, GROUP_TOKENS))
    summary = "whole prompts pass one group of layers an iteration, beside all decodes"
    return Strategy("layered-prefill", summary, LayeredPrefill(groups))


def _layered_released(setting: Setting, value: float | None) -> Strategy:
    del setting, value
    policy = LayeredPrefill(released_groups, name="layered-prefill-released", provenance="code")
    return Strategy(
        policy.name, "layered-prefill with the groups of the released scheduler", policy
    )


def _laps(setting: Setting, value: float | None) -> Strategy:
    policy = Laps(setting.ttft_seconds, whole(value, LONGEST_SHORT))
    return Strategy(policy.name, "short prompts gather in a window, long ones in chunks", policy)


def _punctual(setting: Setting, value: float | None) -> Strategy:
    policy = Punctual(setting.ttft_seconds, whole(value, _BATCH))
    return Strategy(policy.name, "the batch of prompts of which most come in time", policy)


def _contiguous(setting: Setting, value: float | None) -> Strategy:
    reserve = Reserve(whole(value, setting.longest))
    return Strategy(
        "contiguous", "sarathi with memory for the longest sequence", Sarathi(), reserve
    )


def _batchllm(setting: Setting, value: float | None) -> Strategy:
    table, count = setting.table, len(setting.table)
    if setting.paths is None:
        groups = [PrefixGroup(0, (row,)) for row in range(count)]
    else:
        groups = prefix_groups(setting.paths, count)
    which, ranks = group_ranks(groups, table)
    shares = np.array([group.tokens > 0 for group in groups])
    return Strategy(
        "batchllm",
        "apc, groups of a common prefix one after the other, most answer a prompt token first",
        GroupBatch(which, shares, whole(value, BATCH_TOKENS)),
        order=GroupOrder(ranks),
        retention=LeastRecent(),
        clairvoyant=True,
    )


def _swap(setting: Setting, value: float | None) -> Strategy:
    summary = "vllm whose evicted requests wait on the host"
    eviction = Swap(tokens_per_second=_rate(setting, value))
    return Strategy("swap", summary, PrefillFirst(), eviction=eviction)


def _fastswitch(setting: Setting, value: float | None) -> Strategy:
    eviction = Swap(
        tokens_per_second=_rate(setting, value),
        copy_blocks=_COPY_BLOCKS,
        keeps_copies=True,
        beside=True,
        name="fastswitch",
        provenance="inferred",
    )
    summary = "requests change places by priority, copied in long runs, copies kept, beside batches"
    return _priorities(setting, summary, eviction)


def _priority_swap(setting: Setting, value: float | None) -> Strategy:
    summary = "requests change places by priority and wait on the host"
    return _priorities(setting, summary, Swap(tokens_per_second=_rate(setting, value)))


def _priority_restart(setting: Setting, value: float | None) -> Strategy:
    del value
    summary = "requests change places by priority and begin anew"
    return _priorities(setting, summary, LatestArrival())


def _priorities(setting: Setting, summary: str, eviction: Eviction) -> Strategy:
    order = ShuffledPriority(seed=setting.seed)
    return Strategy(eviction.name, summary, PriorityBatch(order), eviction=eviction, order=order)


def _rate(setting: Setting, value: float | None = None) -> float:
    """Return the tokens a second of the link to the host: as asked for, as of the GPU, or usual."""
    return value or setting.host_tokens_per_second or HOST_RATE


def _jitserve(rule: Rule, name: str, summary: str, provenance: Provenance) -> Maker:
    def make(setting: Setting, value: float | None) -> Strategy:
        demands = (None,) * len(setting.table.demands)
        mean = float(setting.table.prompt_tokens.mean())
        worth = Worth(
            setting.table.output_tokens,
            setting.ttft_seconds,
            setting.tpot_seconds or demands,
            setting.e2e_seconds or demands,
            setting.cost,
            setting.cost.seconds(Batch.decode(_BESIDE, round(_BESIDE * mean))),
        )
        policy = JitServe(worth, rule, whole(value, _EVERY), name=name, provenance=provenance)
        eviction = Swap(tokens_per_second=_rate(setting), keeps_copies=True)
        knows = rule != "least-served"
        return Strategy(name, summary, policy, eviction=eviction, clairvoyant=knows)

    return make


def _dllm(policy: DllmServe, summary: str) -> Maker:
    def make(setting: Setting, value: float | None) -> Strategy:
        del setting
        sized = replace(policy, tokens=whole(value, STEP_TOKENS))
        return Strategy(policy.name, summary, sized, whole_answers=True)

    return make


def _streaming(rule: StreamRule, name: str, summary: str) -> Maker:
    def make(setting: Setting, value: float | None) -> Strategy:
        batch = StreamBatch(rule, whole(value, STREAM_TOKENS), name)
        eviction = SwapOrRecompute(tokens_per_second=_rate(setting), cost=setting.cost)
        return Strategy(name, summary, batch, eviction=eviction)

    return make


_PARTS = "chunks of prompts that come in parts, whole ones first, each tier by"
_DENSEST = "every 50 steps the batch that earns most for its time"
_DENOISING = "denoising steps, packed by what each computes"

BATCHING: dict[str, tuple[Maker, Limits | None]] = {
    "flowprefill": (_flowprefill, _OPERATORS),
    "preemptive-edf": (_preemptive_edf, _OPERATORS),
    "preemptive-srpt": (_preemptive_srpt, _OPERATORS),
    "layered-prefill": (_layered, TOKENS),
    "layered-prefill-released": (_layered_released, None),
    "laps": (_laps, TOKENS),
    "punctual": (_punctual, TOKENS),
    "contiguous": (_contiguous, TOKENS),
    "batchllm": (_batchllm, TOKENS),
    "stream2llm": (
        _streaming("latest-chunk", "stream2llm", f"{_PARTS} its last part's coming"),
        TOKENS,
    ),
    "stream-fcfs": (_streaming("fcfs", "stream-fcfs", f"{_PARTS} arrival"), TOKENS),
    "stream-most": (
        _streaming(
            "most-computed",
            "stream-most",
            "chunks of prompts that come in parts, most computed first",
        ),
        TOKENS,
    ),
    "swap": (_swap, _RATE),
    "fastswitch": (_fastswitch, _RATE),
    "priority-swap": (_priority_swap, _RATE),
    "priority-restart": (_priority_restart, None),
    "jitserve": (_jitserve("gmax", "jitserve", _DENSEST, "paper"), _STEPS),
    "jitserve-released": (
        _jitserve(
            "gmax-released", "jitserve-released", "jitserve with the released window", "code"
        ),
        _STEPS,
    ),
    "ltr": (
        _jitserve("shortest", "ltr", "every 50 steps the shortest remaining answers", "code"),
        _STEPS,
    ),
    "las": (
        _jitserve(
            "least-served", "las", "every 50 steps the requests that were served least", "paper"
        ),
        _STEPS,
    ),
    "edf-batch": (
        _jitserve("deadline", "edf-batch", "every 50 steps the earliest deadlines", "code"),
        _STEPS,
    ),
    "dllm-serve": (_dllm(DllmServe(), _DENOISING), TOKENS),
    "dllm-skip": (
        _dllm(
            DllmServe(skips=True, name="dllm-skip", provenance="inferred"),
            "dllm-serve that passes over what does not fit",
        ),
        TOKENS,
    ),
    "dllm-whole": (
        _dllm(
            DllmServe(aware=False, name="dllm-whole", provenance="paper"),
            "denoising steps, each packed as if it computed the whole sequence",
        ),
        TOKENS,
    ),
}
"""Makers by name. Behind the colon may stand: of the first three, the operators of a pass (256); of
``layered-prefill``, the tokens of a cohort for each group of layers (512); of ``laps``, the tokens
of the longest short prompt (256); of ``punctual``, the tokens of a batch of prompts (8192); of
``contiguous``, the longest sequence; of ``swap``, ``fastswitch`` and ``priority-swap``, the tokens
a second of the link to the host (that of the GPU, 250,000 where none is named); of ``jitserve`` and
its baselines, the decode steps between two choices (50); of ``dllm-serve`` and its variants, the
tokens of a step (16,384); of ``batchllm``, ``stream2llm`` and its variants, the tokens of an
iteration (2048)."""
