"""Demands as the sizing of replicas sees them: requests with their lengths, and targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from scheduling.models.requests.table import RequestTable
from scheduling.models.requests.workload import RequestClass
from scheduling.planner.packing import Stream, stream_of

Target = tuple[float, float]
"""Seconds, and the share of the requests that stay within them."""

METRICS = ("ttft", "tpot", "e2e")


@dataclass(frozen=True)
class Load:
    """One demand.

    Parameters
    ----------
    requests
        How its requests arrive and how long they are; its name is the demand's.
    model
        Name of the model that it asks for.
    targets
        By metric ``ttft``, ``tpot`` and ``e2e``, those that it has.
    trace
        The requests as they were seen, with their arrivals; ``None``: there are only distributions.
    attainment
        Share of the requests that are to keep all targets at once; ``None``: each target has its
        own share.
    """

    requests: RequestClass
    model: str
    targets: Mapping[str, Target] = field(default_factory=dict)
    trace: RequestTable | None = None
    attainment: float | None = None

    @property
    def demand(self) -> str:
        """Its name."""
        return self.requests.name

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests.arrivals.rate

    @cached_property
    def new(self) -> float:
        """Mean prompt tokens to compute."""
        return max(1.0, self.requests.computed_tokens)

    @cached_property
    def reused(self) -> float:
        """Mean prompt tokens whose KV is in the cache."""
        return max(0.0, self.requests.prompt.mean - self.new)

    @cached_property
    def steps(self) -> float:
        """Mean tokens of an answer behind its first one."""
        return max(0.0, self.requests.output.mean - 1)

    @cached_property
    def context(self) -> float:
        """Mean tokens in the cache of a request that decodes."""
        return self.requests.prompt.mean + self.requests.output.mean / 2

    @cached_property
    def prompt_scv(self) -> float:
        """Squared variation of the tokens of prompts."""
        return self.requests.prompt.scv

    @cached_property
    def output_scv(self) -> float:
        """Squared variation of the tokens of answers."""
        return self.requests.output.scv

    @cached_property
    def arrival_scv(self) -> float:
        """Squared variation of the times between arrivals that formulas are to take.

        A trace brings its bursts itself, so beside it arrivals are at most as bursty as chance.
        """
        seen = self.requests.arrivals.scv
        return seen if self.trace is None else min(1.0, seen)

    @cached_property
    def stream(self) -> Stream:
        """Its prompts, packed into iterations."""
        return stream_of(self.requests.prompt, self.requests.prefix_share)

    def long_prompt(self, share: float) -> tuple[float, float]:
        """Return new and reused tokens of a prompt that this share of them does not exceed."""
        tokens = self.requests.prompt.quantile(share)
        reused = tokens * self.requests.prefix_share
        return max(1.0, tokens - reused), reused
