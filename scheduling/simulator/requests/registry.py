"""Strategies by name: policies for all hooks of an instance that belong together."""

from __future__ import annotations

from dataclasses import replace

from scheduling.errors import UnsupportedError
from scheduling.simulator.requests.agentic import AGENTIC
from scheduling.simulator.requests.batching import BATCHING
from scheduling.simulator.requests.policies.admission import Reserve, Watermark
from scheduling.simulator.requests.policies.composition import Orca, PrefillFirst, Sarathi
from scheduling.simulator.requests.policies.future import KnownFuture, PastFuture
from scheduling.simulator.requests.policies.ordering import (
    EarliestDeadline,
    ShortestAnswer,
    ShortestPrompt,
    SlackDeadline,
)
from scheduling.simulator.requests.strategy import (
    SHARE,
    TOKENS,
    Limits,
    Maker,
    Setting,
    Strategy,
    number_behind,
    whole,
)

_BUDGET = 512
_PADDED = 4096
_PROMPTS = 8192
_STARTS_EARLY = 0.05


def _sarathi(setting: Setting, value: float | None) -> Strategy:
    del setting
    return Strategy(
        "sarathi", "chunks of prompts beside all decodes", Sarathi(whole(value, _BUDGET))
    )


def _vllm(setting: Setting, value: float | None) -> Strategy:
    del setting
    return Strategy(
        "vllm", "whole prompts first, else decodes", PrefillFirst(whole(value, _PADDED))
    )


def _watermark(setting: Setting, value: float | None) -> Strategy:
    del setting
    share = _STARTS_EARLY if value is None else value
    summary = "vllm with this share of memory kept free for growth"
    return Strategy("watermark", summary, PrefillFirst(_PADDED), Watermark(share))


def _orca(setting: Setting, value: float | None) -> Strategy:
    reserve = Reserve(whole(value, setting.longest))
    return Strategy("orca", "whole prompts beside decodes, memory for the longest", Orca(), reserve)


def _sjf(setting: Setting, value: float | None) -> Strategy:
    del setting
    summary = "sarathi, shortest prompt first"
    return Strategy("sjf", summary, Sarathi(whole(value, _BUDGET)), order=ShortestPrompt())


def _edf(setting: Setting, value: float | None) -> Strategy:
    order = EarliestDeadline(setting.ttft_seconds)
    return Strategy(
        "edf", "sarathi, earliest deadline first", Sarathi(whole(value, _BUDGET)), order=order
    )


def _s_edf(setting: Setting, value: float | None) -> Strategy:
    order = SlackDeadline(setting.ttft_seconds, setting.cost)
    summary = "sarathi, earliest deadline first that can still be kept"
    return Strategy("s-edf", summary, Sarathi(whole(value, _BUDGET)), order=order)


def _past_future(setting: Setting, value: float | None) -> Strategy:
    admission = PastFuture(
        reserve=_STARTS_EARLY if value is None else value,
        longest_answer=setting.longest_answer,
        seed=setting.seed,
    )
    summary = "prompts first while the drawn peak of memory leaves this share free"
    return Strategy("past-future", summary, PrefillFirst(_PROMPTS, padded=False), admission)


def _past_future_known(setting: Setting, value: float | None) -> Strategy:
    del value
    admission = KnownFuture(setting.table.output_tokens, "separate")
    summary = "past-future with known lengths"
    composition = PrefillFirst(_PROMPTS, padded=False)
    return Strategy("past-future-oracle", summary, composition, admission, clairvoyant=True)


def _mc_sf(setting: Setting, value: float | None) -> Strategy:
    del value
    answers = setting.table.output_tokens
    return Strategy(
        "mc-sf",
        "shortest known answer first, as memory lasts to its end",
        Orca(),
        KnownFuture(answers, "together"),
        order=ShortestAnswer(answers),
        clairvoyant=True,
    )


_STRATEGIES: dict[str, tuple[Maker, Limits | None]] = {
    "sarathi": (_sarathi, TOKENS),
    "vllm": (_vllm, TOKENS),
    "watermark": (_watermark, SHARE),
    "orca": (_orca, TOKENS),
    "sjf": (_sjf, TOKENS),
    "edf": (_edf, TOKENS),
    "s-edf": (_s_edf, TOKENS),
    "past-future": (_past_future, SHARE),
    "past-future-oracle": (_past_future_known, None),
    "mc-sf": (_mc_sf, None),
    **BATCHING,
    **AGENTIC,
}

STRATEGIES = tuple(_STRATEGIES)
"""Names of all strategies."""


def strategy(name: str, setting: Setting) -> Strategy:
    """Make a strategy.

    Parameters
    ----------
    name
        One of :data:`STRATEGIES`. Behind a colon may stand its number: the token budget of
        ``sarathi``, ``sjf``, ``edf`` and ``s-edf`` (512), the padded tokens of ``vllm`` (4096), the
        longest sequence of ``orca``, the share of memory kept free by ``watermark`` and
        ``past-future`` (0.05), and those of
        :data:`~scheduling.simulator.requests.batching.BATCHING` and
        :data:`~scheduling.simulator.requests.agentic.AGENTIC`.
    setting
        What it is made for.

    Raises
    ------
    UnsupportedError
        When there is no such strategy.
    InputError
        When its number is none, or out of range.
    """
    base, colon, text = name.partition(":")
    if base not in _STRATEGIES:
        raise UnsupportedError.unknown("policy", name, STRATEGIES, used=" for requests")
    make, limits = _STRATEGIES[base]
    made = make(setting, number_behind("policy", name, text, limits) if colon else None)
    return replace(made, name=name)
