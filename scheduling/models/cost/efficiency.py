"""How far a GPU and an engine stay below the data sheet: the terms of the roofline."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scheduling.errors import InputError
from scheduling.models.base import Frozen

Share = Annotated[float, Field(gt=0, le=1, strict=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)]
Factor = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)]


class Efficiency(Frozen):
    """Terms that turn the rates of a data sheet into times; calibration fits them.

    Shares multiply a rate, seconds are added. Each operator costs
    ``seconds + max(bytes / (bandwidth * share), flop / (rate * share))``.

    The defaults are read off measured operators, not fitted to servers: products, attention,
    experts and collectives off the tables of AIConfigurator 0.12.0 for H100 and B200 (vLLM 0.24.0,
    TensorRT-LLM 1.3.0rc20, SGLang 0.5.14), as the middle of what the kernels reach at large sizes
    (shares) and at the smallest (seconds). ``launch_seconds`` is the time to the first token of
    short prompts of a model of 80 layers without captured graphs: 36 ms on H100 with vLLM 0.6.0
    (APEX+), 53 ms with an engine of 2023 (Splitwise). ``expert_skew`` is the load of the busiest of
    four to eight groups when choices follow a power law of exponent 1.01 to 1.2, as in those
    tables. ``iteration_seconds`` and ``sequence_seconds`` are assumptions: engines with overlapped
    scheduling leave a fraction of a millisecond between iterations.
    """

    memory: Share = Field(default=0.90, description="Of bandwidth, when weights are streamed.")
    wide_compute: Share = Field(default=0.78, description="Of FLOP/s, operands of 16 bits or more.")
    narrow_compute: Share = Field(default=0.60, description="Of FLOP/s, operands of 8 bits.")
    tiny_compute: Share = Field(default=0.45, description="Of FLOP/s, operands of 4 bits.")
    product_seconds: Seconds = Field(default=4e-6, description="Of each matrix product.")
    quantise_seconds: Seconds = Field(
        default=2.5e-6, description="More for products of narrow operands, which are quantised."
    )
    prefill_attention: Share = Field(default=0.62, description="Of FLOP/s of 16 bits.")
    prefill_pad: Factor = Field(
        default=300.0, description="Tokens that every new token attends to in excess (tiles)."
    )
    decode_memory: Share = Field(default=0.90, description="Of bandwidth, when KV is streamed.")
    decode_compute: Share = Field(default=0.55, description="Of FLOP/s of 16 bits, when decoding.")
    attention_seconds: Seconds = Field(default=11e-6, description="Of each attention kernel.")
    expert_wide: Share = Field(
        default=0.60, description="Of FLOP/s in products of experts, operands of 16 bits."
    )
    expert_narrow: Share = Field(
        default=0.36, description="Of FLOP/s in products of experts, operands below 16 bits."
    )
    expert_widened: Share = Field(
        default=0.40, description="Of FLOP/s there, when narrower weights are widened first."
    )
    expert_memory: Share = Field(default=0.80, description="Of bandwidth, for experts' weights.")
    expert_seconds: Seconds = Field(default=16e-6, description="Of each layer of experts: routing.")
    expert_skew: Factor = Field(
        default=0.8, description="Load above the mean of the busiest group of experts, at most."
    )
    layer_seconds: Seconds = Field(
        default=10e-6, description="Of each layer: norms, rotation, writing KV, activation."
    )
    launch_seconds: Seconds = Field(
        default=420e-6,
        description="Of the host, for each layer run without a captured graph; latent attention "
        "and experts count as one more layer each.",
    )
    link: Share = Field(default=0.85, description="Of the bandwidth of links, in collectives.")
    reduce_seconds: Seconds = Field(default=5e-6, description="Of each collective of a domain.")
    network_seconds: Seconds = Field(default=15e-6, description="Of each message between nodes.")
    iteration_seconds: Seconds = Field(
        default=0.5e-3, description="Between iterations: what the host does not hide."
    )
    sequence_seconds: Seconds = Field(
        default=5e-6, description="Of the host, for each request of an iteration."
    )


ENGINES: dict[str, Efficiency] = {
    "vllm": Efficiency(iteration_seconds=0.8e-3, sequence_seconds=10e-6),
    "sglang": Efficiency(iteration_seconds=0.5e-3),
    "trtllm": Efficiency(iteration_seconds=0.3e-3),
}
"""Terms by engine; what tells them apart is mostly the host's part of an iteration."""


def efficiency_of(engine: str | None) -> Efficiency:
    """Return the terms of an engine; those that no engine names where it is ``None``.

    Raises
    ------
    InputError
        For an engine that is not known.
    """
    if engine is None:
        return Efficiency()
    if engine not in ENGINES:
        raise InputError.single("engine", engine, " or ".join(sorted(ENGINES)))
    return ENGINES[engine]
