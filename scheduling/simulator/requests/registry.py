"""Strategies by name: policies for all hooks of an instance that belong together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from scheduling.errors import InputError, UnsupportedError
from scheduling.models.cost.protocol import CostModel
from scheduling.models.requests.table import RequestTable
from scheduling.simulator.requests.policies.admission import Reserve, Watermark
from scheduling.simulator.requests.policies.composition import Orca, PrefillFirst, Sarathi
from scheduling.simulator.requests.policies.eviction import LatestArrival
from scheduling.simulator.requests.policies.future import KnownFuture, PastFuture
from scheduling.simulator.requests.policies.ordering import (
    EarliestDeadline,
    ShortestAnswer,
    ShortestPrompt,
    SlackDeadline,
)
from scheduling.simulator.requests.policy import (
    Admission,
    Composition,
    Eviction,
    Order,
    Policy,
    Provenance,
)

_SEVERITY: tuple[Provenance, ...] = ("code", "paper", "code with fix", "inferred")
_BUDGET = 512
_PADDED = 4096
_PROMPTS = 8192
_STARTS_EARLY = 0.05


@dataclass(frozen=True, slots=True)
class Setting:
    """What strategies are made for.

    Parameters
    ----------
    table
        The requests.
    cost
        Times of a replica.
    ttft_seconds
        Limits of the first token by row of the table's demands.
    longest
        Tokens of the longest sequence that the runtime is set up for.
    longest_answer
        Tokens of the longest answer that it allows.
    seed
        Seed of all draws.
    """

    table: RequestTable
    cost: CostModel
    ttft_seconds: tuple[float | None, ...]
    longest: int
    longest_answer: int
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Strategy:
    """Policies of an instance under one name.

    Parameters
    ----------
    name, summary
        Name, and one line for people.
    composition, admission, eviction, order
        As of :class:`~scheduling.simulator.requests.deployment.Group`.
    clairvoyant
        It knows the lengths of answers before they end, as no runtime does.
    """

    name: str
    summary: str
    composition: Composition
    admission: Admission = field(default_factory=Watermark)
    eviction: Eviction = field(default_factory=LatestArrival)
    order: Order | None = None
    clairvoyant: bool = False

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Its policies, hook by hook."""
        own: tuple[Policy, ...] = (self.composition, self.admission, self.eviction)
        return own if self.order is None else (*own, self.order)

    @property
    def provenance(self) -> Provenance:
        """Where its rules are from; of several sources, the least certain."""
        return max((one.provenance for one in self.policies), key=_SEVERITY.index)


_Maker = Callable[[Setting, float | None], Strategy]


def _sarathi(setting: Setting, value: float | None) -> Strategy:
    del setting
    return Strategy("sarathi", "chunks of prompts beside all decodes", Sarathi(_whole(value)))


def _whole(value: float | None, default: int = _BUDGET) -> int:
    return default if value is None else int(value)


def _vllm(setting: Setting, value: float | None) -> Strategy:
    del setting
    return Strategy(
        "vllm", "whole prompts first, else decodes", PrefillFirst(_whole(value, _PADDED))
    )


def _watermark(setting: Setting, value: float | None) -> Strategy:
    del setting
    share = _STARTS_EARLY if value is None else value
    summary = "vllm with this share of memory kept free for growth"
    return Strategy("watermark", summary, PrefillFirst(_PADDED), Watermark(share))


def _orca(setting: Setting, value: float | None) -> Strategy:
    reserve = Reserve(_whole(value, setting.longest))
    return Strategy("orca", "whole prompts beside decodes, memory for the longest", Orca(), reserve)


def _sjf(setting: Setting, value: float | None) -> Strategy:
    del setting
    summary = "sarathi, shortest prompt first"
    return Strategy("sjf", summary, Sarathi(_whole(value)), order=ShortestPrompt())


def _edf(setting: Setting, value: float | None) -> Strategy:
    order = EarliestDeadline(setting.ttft_seconds)
    return Strategy("edf", "sarathi, earliest deadline first", Sarathi(_whole(value)), order=order)


def _s_edf(setting: Setting, value: float | None) -> Strategy:
    order = SlackDeadline(setting.ttft_seconds, setting.cost)
    summary = "sarathi, earliest deadline first that can still be kept"
    return Strategy("s-edf", summary, Sarathi(_whole(value)), order=order)


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


_TOKENS = (1.0, 1e9, "whole tokens")
_SHARE = (0.0, 0.99, "a share")
_STRATEGIES: dict[str, tuple[_Maker, tuple[float, float, str] | None]] = {
    "sarathi": (_sarathi, _TOKENS),
    "vllm": (_vllm, _TOKENS),
    "watermark": (_watermark, _SHARE),
    "orca": (_orca, _TOKENS),
    "sjf": (_sjf, _TOKENS),
    "edf": (_edf, _TOKENS),
    "s-edf": (_s_edf, _TOKENS),
    "past-future": (_past_future, _SHARE),
    "past-future-oracle": (_past_future_known, None),
    "mc-sf": (_mc_sf, None),
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
        ``past-future`` (0.05).
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
        close = get_close_matches(base, STRATEGIES, n=1)
        guess = f" (did you mean {close[0]!r}?)" if close else ""
        known = ", ".join(STRATEGIES)
        raise UnsupportedError(f"no policy {name!r} for requests{guess}; there are: {known}")
    make, limits = _STRATEGIES[base]
    made = make(setting, _number(name, text, limits) if colon else None)
    return replace(made, name=name)


def _number(name: str, text: str, limits: tuple[float, float, str] | None) -> float:
    if limits is None:
        raise InputError.single("policy", repr(name), f"{name.partition(':')[0]} without a number")
    low, high, what = limits
    expected = f"{what} from {low:g} to {high:g} behind the colon"
    try:
        value = float(text)
    except ValueError:
        raise InputError.single("policy", repr(name), expected) from None
    if not low <= value <= high or (limits is _TOKENS and value != int(value)):
        raise InputError.single("policy", repr(name), expected)
    return value
