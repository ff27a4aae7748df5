"""Which columns of a file mean what: the formats of traces of requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from scheduling.instances.requests.values import DATES

Shape = Literal["csv", "jsonl"]


@dataclass(frozen=True, slots=True)
class Columns:
    """A format of traces: tables with a header, or a JSON object a line.

    Parameters
    ----------
    name
        Name of the format.
    summary
        One line for people.
    shape
        Rows of commas, or lines of JSON.
    prompt, output
        Names that the columns of tokens may have, in small letters.
    times
        Names that the column of arrivals may have, each with its unit; empty for files without.
    cached, demand, blocks
        Names of the columns of cached tokens, of classes and of blocks, which may be missing.
    block_tokens
        Tokens of a block.
    user
        Names that the column of users may have, which may be missing.
    spec
        Where the format is described.
    """

    name: str
    summary: str
    shape: Shape
    prompt: tuple[str, ...]
    output: tuple[str, ...]
    times: tuple[tuple[str, str], ...]
    cached: tuple[str, ...] = ()
    demand: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    block_tokens: int = 512
    user: tuple[str, ...] = ("user", "user_id")
    spec: str = ""

    def fits(self, header: frozenset[str]) -> bool:
        """Tell whether a file with these columns, in small letters, is of this format."""
        times = frozenset(name for name, _ in self.times)
        needed = (times, self.prompt, self.output) if times else (self.prompt, self.output)
        return all(header.intersection(names) for names in needed)


_PROMPTS = (
    "prompt_tokens",
    "input_tokens",
    "input_length",
    "num_prefill_tokens",
    "context_tokens",
    "isl",
)
_OUTPUTS = (
    "output_tokens",
    "completion_tokens",
    "output_length",
    "num_decode_tokens",
    "generated_tokens",
    "osl",
)
_TIMES = (
    ("arrival_ns", "ns"),
    ("arrival_us", "us"),
    ("arrival_ms", "ms"),
    ("arrival_s", "s"),
    ("arrived_at_s", "s"),
    ("arrived_at", "s"),
    ("timestamp_ms", "ms"),
    ("timestamp_s", "s"),
    ("timestamp", DATES),
)

_TABLE = Columns(
    "requests-csv",
    "any table with a header that names arrival, prompt and output tokens",
    "csv",
    _PROMPTS,
    _OUTPUTS,
    _TIMES,
    ("cached_tokens", "prefix_tokens"),
    ("demand", "class"),
    spec="columns: docs/howto/traces.md",
)

FORMATS: tuple[Columns, ...] = (
    Columns(
        "azure",
        "Azure LLM inference traces of 2023 and 2024",
        "csv",
        ("contexttokens",),
        ("generatedtokens",),
        (("timestamp", DATES),),
        spec="https://github.com/Azure/AzurePublicDataset",
    ),
    Columns(
        "burstgpt",
        "BurstGPT; each model is a class, requests without an answer are left out",
        "csv",
        ("request tokens",),
        ("response tokens",),
        (("timestamp", "s"),),
        demand=("model",),
        spec="https://github.com/HPMLL/BurstGPT",
    ),
    Columns(
        "mooncake",
        "Mooncake traces with the blocks of their prompts",
        "jsonl",
        ("input_length",),
        ("output_length",),
        (("timestamp", "ms"),),
        blocks=("hash_ids",),
        spec="https://github.com/kvcache-ai/Mooncake",
    ),
    _TABLE,
    replace(
        _TABLE,
        name="requests-jsonl",
        summary="the same as a JSON object a line",
        shape="jsonl",
    ),
    replace(
        _TABLE,
        name="lengths-csv",
        summary="a table of prompt and output tokens without arrivals",
        times=(),
    ),
)
