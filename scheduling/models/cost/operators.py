"""Seconds of the operators that a layer is made of, by formula.

Every operator takes ``seconds + max(bytes / bandwidth, flop / rate)`` with the rates of the data
sheet times shares below one (roofline: Williams, Waterman and Patterson, 2009).
"""

from __future__ import annotations

from math import log, sqrt
from typing import NamedTuple

from scheduling.errors import InputError
from scheduling.models.cost.collectives import Links
from scheduling.models.cost.efficiency import Efficiency
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.precision import BYTES, Dtype, Precision
from scheduling.models.cost.protocol import Provenance

_ACTIVATION_BYTES = 2
_TILE = 64


class Timed(NamedTuple):
    """Seconds of an operator and where they come from."""

    seconds: float
    provenance: Provenance


class Heads(NamedTuple):
    """What one GPU holds of an attention layer with grouped heads.

    ``window`` is the number of tokens that the layer sees, ``None`` when it sees all of them.
    """

    heads: int
    kv_heads: int
    head_dim: int
    window: int | None


class Latent(NamedTuple):
    """What one GPU holds of a layer of latent attention."""

    heads: int
    hidden: int
    kv_rank: int
    rope_dim: int
    nope_dim: int
    value_dim: int
    query_rank: int | None


class Expert(NamedTuple):
    """A layer of routed experts: ``ep`` groups of GPUs, each expert split ``tp`` ways."""

    hidden: int
    ffn: int
    products: int
    total: int
    active: int
    shared_ffn: int
    tp: int
    ep: int


def flop_rate(gpu: Gpu, dtype: Dtype) -> float | None:
    """Return the FLOP per second of products; the two types of 16 bits run at one rate."""
    rate = gpu.flop_rate(dtype)
    if rate is None and dtype in {"bf16", "fp16"}:
        rate = gpu.flop_rate("fp16" if dtype == "bf16" else "bf16")
    return rate


class Operators:
    """Operators of one GPU in one precision, each by formula.

    Parameters
    ----------
    gpu
        The GPU.
    precision
        Types of weights, operands and KV.
    terms
        Efficiency terms.

    Raises
    ------
    InputError
        When the GPU does not multiply operands of that type.
    """

    def __init__(self, gpu: Gpu, precision: Precision, terms: Efficiency) -> None:
        rate = flop_rate(gpu, precision.compute)
        if rate is None:
            known = ", ".join(sorted(gpu.flops))
            raise InputError.single(
                "precision.compute", precision.compute, f"a type that {gpu.name} has: {known}"
            )
        width = BYTES[precision.compute]
        wide = flop_rate(gpu, "bf16") or rate
        shares = ((1, terms.tiny_compute), (2, terms.narrow_compute))
        share = next((share for limit, share in shares if width < limit), terms.wide_compute)
        self.terms = terms
        self.domain = gpu.domain_gpus
        self.links = Links(gpu, terms)
        self._bandwidth = gpu.bandwidth * terms.memory
        self._rate = rate * share
        self._expert_rate = rate * _expert_share(terms, BYTES[precision.weights], width)
        self._expert_bandwidth = gpu.bandwidth * terms.expert_memory
        self._wide_rate = wide * terms.wide_compute
        self._prefill_rate = wide * terms.prefill_attention
        self._decode_rate = wide * terms.decode_compute
        self._kv_bandwidth = gpu.bandwidth * terms.decode_memory
        self._weight_bytes = BYTES[precision.weights]
        self._operand_bytes = width
        self._kv_bytes = BYTES[precision.kv]
        self._product_seconds = terms.product_seconds
        if width < _ACTIVATION_BYTES:
            self._product_seconds += terms.quantise_seconds

    def least_seconds(self, flop: float, moved: float) -> float:
        """Return what any operators take at least that do and move so much in sum.

        Their own seconds, those of ``terms``, come on top.
        """
        rates = self._rate, self._wide_rate, self._expert_rate, self._prefill_rate
        bandwidths = self._bandwidth, self._kv_bandwidth, self._expert_bandwidth
        return max(flop / max(*rates, self._decode_rate), moved / max(bandwidths))

    def product(self, rows: float, n: int, k: int) -> Timed:
        """Return the time of ``rows x k`` activations times ``k x n`` weights."""
        moved = n * k * self._weight_bytes + rows * k * self._operand_bytes
        moved += rows * n * _ACTIVATION_BYTES
        if self._operand_bytes < _ACTIVATION_BYTES:
            moved += rows * k * (_ACTIVATION_BYTES + self._operand_bytes)
        seconds = max(moved / self._bandwidth, 2.0 * rows * n * k / self._rate)
        return Timed(self._product_seconds + seconds, Provenance.ANALYTIC)

    def head_product(self, rows: float, n: int, k: int) -> Timed:
        """Return the time of a product with weights of 16 bits, such as logits or routers."""
        return Timed(self._wide_product(rows, n, k), Provenance.ANALYTIC)

    def _wide_product(self, rows: float, n: int, k: int) -> float:
        moved = (n * k + rows * (k + n)) * _ACTIVATION_BYTES
        seconds = max(moved / self._bandwidth, 2.0 * rows * n * k / self._wide_rate)
        return self.terms.product_seconds + seconds

    def elementwise(self, moved: float) -> float:
        """Return the seconds of norms, rotations and activations that move so many bytes."""
        return moved / self._bandwidth

    def prefill_attention(
        self, shape: Heads, new: float, prefills: float, cached: float, pairs: float
    ) -> Timed:
        """Return the time in which ``new`` tokens attend to their context.

        Parameters
        ----------
        shape
            Heads of one GPU.
        new, prefills, cached, pairs
            As in :class:`~scheduling.models.cost.protocol.Batch`.
        """
        del prefills
        seen = pairs if shape.window is None else min(pairs, new * float(shape.window))
        width = shape.heads * shape.head_dim
        flop = 4.0 * width * (seen + new * self.terms.prefill_pad)
        values = 2 * shape.kv_heads * shape.head_dim
        moved = (cached + new) * values * self._kv_bytes + 2 * new * width * _ACTIVATION_BYTES
        seconds = max(flop / self._prefill_rate, moved / self._kv_bandwidth)
        return Timed(self.terms.attention_seconds + seconds, Provenance.ANALYTIC)

    def prefill_slope(self, shape: Heads) -> float | None:
        """Return the least seconds that each pair of attending tokens adds to a prompt's attention.

        Every new token counts as ``prefill_pad`` pairs more. ``None`` when that is not known.
        """
        return 4.0 * shape.heads * shape.head_dim / self._prefill_rate

    def decode_attention(self, shape: Heads, sequences: float, context: float) -> Timed:
        """Return the time of one decode step of attention over ``context`` tokens in sum."""
        seen = context if shape.window is None else min(context, sequences * shape.window)
        moved = 2 * sequences * shape.heads * shape.head_dim * _ACTIVATION_BYTES
        seconds = self.terms.attention_seconds + moved / self._kv_bandwidth
        return Timed(seconds + self._kv_slope(shape) * seen, Provenance.ANALYTIC)

    def decode_slope(self, shape: Heads) -> float | None:
        """Return the seconds that each token of context adds to a decode step of attention.

        ``None`` when the time is not affine in the context.
        """
        return self._kv_slope(shape)

    def _kv_slope(self, shape: Heads) -> float:
        values = 2 * shape.kv_heads * shape.head_dim
        rows = shape.kv_heads * max(_TILE / 4, shape.heads / shape.kv_heads)
        flop = 4.0 * rows * shape.head_dim
        return max(values * self._kv_bytes / self._kv_bandwidth, flop / self._decode_rate)

    def latent_attention(
        self,
        shape: Latent,
        new: float,
        prefills: float,
        cached: float,
        pairs: float,
        sequences: float,
        context: float,
    ) -> Timed:
        """Return the time of a whole block of latent attention, its products included.

        For prompts the keys and values of all heads are written out from the latent, for cached
        tokens too. When decoding, queries and values meet the latent itself, which all heads of a
        GPU share (weight absorption, DeepSeek-V2).
        """
        del prefills
        queries = shape.heads * (shape.nope_dim + shape.rope_dim)
        latent = shape.kv_rank + shape.rope_dim
        rows = new + sequences
        if shape.query_rank is None:
            seconds = self.product(rows, latent + queries, shape.hidden).seconds
        else:
            seconds = self.product(rows, latent + shape.query_rank, shape.hidden).seconds
            seconds += self.product(rows, queries, shape.query_rank).seconds
        seconds += self.product(rows, shape.hidden, shape.heads * shape.value_dim).seconds
        if new:
            keys = shape.heads * (shape.nope_dim + shape.value_dim)
            seconds += self.product(new + cached, keys, shape.kv_rank).seconds
            width = shape.nope_dim + shape.rope_dim + shape.value_dim
            flop = 2.0 * shape.heads * width * (pairs + new * self.terms.prefill_pad)
            moved = 4 * new * shape.heads * width * _ACTIVATION_BYTES
            seconds += self.terms.attention_seconds + flop / self._prefill_rate
            seconds += moved / self._bandwidth
        if sequences:
            for width in (shape.nope_dim, shape.value_dim):
                absorbed = self._wide_product(sequences * shape.heads, shape.kv_rank, width)
                stored = (shape.heads - 1) * shape.kv_rank * width * _ACTIVATION_BYTES
                seconds += absorbed + stored / self._bandwidth
            seconds += self.terms.attention_seconds + self._latent_slope(shape) * context
        return Timed(seconds, Provenance.ANALYTIC)

    def latent_slope(self, shape: Latent) -> float | None:
        """Return the seconds that each token of context adds to decoding with latent attention.

        ``None`` when the time is not affine in the context.
        """
        return self._latent_slope(shape)

    def _latent_slope(self, shape: Latent) -> float:
        latent = shape.kv_rank + shape.rope_dim
        rows = max(_TILE, shape.heads)
        flop = 2.0 * rows * (latent + shape.kv_rank)
        return max(latent * self._kv_bytes / self._kv_bandwidth, flop / self._decode_rate)

    def experts(self, shape: Expert, tokens: float) -> Timed:
        """Return the time of a layer of routed experts on the busiest of its GPUs.

        ``tokens`` are those of the whole stage. With choices spread evenly, ``tokens`` of them hit
        ``local * (1 - (1 - active / count) ** tokens)`` of the experts of a group; each expert hit
        is read once. Groups of rows are small and uneven, so reading and multiplying overlap badly
        and their times add up.
        """
        local = shape.total / shape.ep
        hit = local * (1.0 - (1.0 - shape.active / shape.total) ** tokens)
        hit = max(hit, min(1.0, tokens * shape.active / shape.ep))
        mean = tokens * shape.active / shape.ep
        rows = mean * busiest_share(mean, shape.ep, self.terms.expert_skew)
        weights = shape.products * shape.hidden * shape.ffn / shape.tp
        moved = hit * weights * self._weight_bytes
        moved += rows * (shape.hidden * 3 + shape.ffn / shape.tp * 4) * _ACTIVATION_BYTES
        seconds = moved / self._expert_bandwidth + 2.0 * rows * weights / self._expert_rate
        return Timed(self.terms.expert_seconds + seconds, Provenance.ANALYTIC)

    def all_reduce(self, payload: float, group: int) -> Timed:
        """Return the time to sum ``payload`` bytes over a group, everywhere."""
        return Timed(self.links.all_reduce(payload, group), Provenance.ANALYTIC)

    def all_gather(self, payload: float, group: int) -> Timed:
        """Return the time until each GPU of a group holds all ``payload`` bytes."""
        return Timed(self.links.all_gather(payload, group), Provenance.ANALYTIC)

    def all_to_all(self, payload: float, group: int) -> Timed:
        """Return the time for each GPU of a group to send ``payload`` bytes, spread evenly."""
        return Timed(self.links.all_to_all(payload, group), Provenance.ANALYTIC)

    def send(self, payload: float, *, same_domain: bool) -> Timed:
        """Return the time for one GPU to send ``payload`` bytes to another."""
        seconds = self.links.send(payload, same_domain=same_domain)
        return Timed(seconds, Provenance.ANALYTIC)


def _expert_share(terms: Efficiency, weight_bytes: float, operand_bytes: float) -> float:
    if weight_bytes < operand_bytes:
        return terms.expert_widened
    return terms.expert_narrow if operand_bytes < _ACTIVATION_BYTES else terms.expert_wide


def busiest_share(mean: float, groups: int, skew: float) -> float:
    """Load of the busiest of ``groups`` over the mean, when choices fall at random.

    The largest of ``g`` loads that are nearly normal with variance ``mean`` lies near
    ``mean + sqrt(2 mean ln g)``; ``skew`` adds what popular experts add.
    """
    if groups <= 1 or mean <= 0:
        return 1.0
    spread = min(sqrt(2.0 * log(groups) / mean), groups - 1.0)
    return min(1.0 + spread + skew * (1.0 - 1.0 / groups), float(groups))
