"""Operators from a table of measurements, each by formula where the table does not have it."""

from __future__ import annotations

from collections.abc import Callable

from scheduling.models.cost.efficiency import Efficiency
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.operators import Expert, Heads, Latent, Operators, Timed
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import Provenance
from scheduling.models.cost.tables import (
    AttentionKey,
    ExpertKey,
    LatentKey,
    Nested,
    OperatorTable,
)

_REMEMBERED = 1 << 14


class MeasuredOperators(Operators):
    """Operators as a table has them.

    Times of a table are of the operator alone, so what the roofline adds for the rest of a layer
    and of an iteration stays.

    Parameters
    ----------
    gpu, precision, terms
        For what the table does not have.
    table
        Measured seconds.
    """

    def __init__(
        self, gpu: Gpu, precision: Precision, terms: Efficiency, table: OperatorTable
    ) -> None:
        super().__init__(gpu, precision, terms)
        self._table = table
        self._precision = precision
        self._products = table.products.get((precision.weights, precision.compute))
        self._wide = table.products.get(("bf16", "bf16"))
        self._kept: dict[tuple[float, int, int], Timed] = {}

    def product(self, rows: float, n: int, k: int) -> Timed:
        """Return the time of ``rows x k`` activations times ``k x n`` weights."""
        if self._products is None:
            return super().product(rows, n, k)
        key = (rows, n, k)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= _REMEMBERED:
                self._kept.clear()
            kept = self._kept[key] = self._products.at(n, k, rows)
        return kept

    def head_product(self, rows: float, n: int, k: int) -> Timed:
        """Return the time of a product with weights of 16 bits, such as logits or routers."""
        return super().head_product(rows, n, k) if self._wide is None else self._wide.at(n, k, rows)

    def prefill_attention(
        self, shape: Heads, new: float, prefills: float, cached: float, pairs: float
    ) -> Timed:
        """Return the time in which ``new`` tokens attend to their context.

        Tables have prompts from their first token on: behind cached tokens a chunk takes what the
        whole takes more than the cached part.
        """
        table = None if shape.window is not None else self._table.prefill.get(self._heads(shape))
        if table is None:
            return super().prefill_attention(shape, new, prefills, cached, pairs)
        return _chunk(table.at, new, prefills, cached)

    def prefill_slope(self, shape: Heads) -> float | None:
        """Return ``None`` where the time comes from the table."""
        measured = shape.window is None and self._heads(shape) in self._table.prefill
        return None if measured else super().prefill_slope(shape)

    def decode_attention(self, shape: Heads, sequences: float, context: float) -> Timed:
        """Return the time of one decode step of attention over ``context`` tokens in sum."""
        table = self._decode_table(shape)
        if table is None:
            return super().decode_attention(shape, sequences, context)
        each = context / sequences
        if shape.window is not None:
            each = min(each, float(shape.window))
        return table.at(sequences, each)

    def decode_slope(self, shape: Heads) -> float | None:
        """Return ``None`` where the time comes from the table: it is no line over the context."""
        return super().decode_slope(shape) if self._decode_table(shape) is None else None

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

        Prompts and decodes of one iteration take the time of both blocks.
        """
        key = self._latent(shape)
        prompts, steps = self._table.latent_prefill.get(key), self._table.latent_decode.get(key)
        seconds, provenance = 0.0, Provenance.MEASURED
        if new:
            timed = (
                super().latent_attention(shape, new, prefills, cached, pairs, 0.0, 0.0)
                if prompts is None
                else _chunk(prompts.at, new, prefills, cached)
            )
            seconds, provenance = seconds + timed.seconds, max(provenance, timed.provenance)
        if sequences:
            timed = (
                super().latent_attention(shape, 0.0, 0.0, 0.0, 0.0, sequences, context)
                if steps is None
                else steps.at(sequences, context / sequences)
            )
            seconds, provenance = seconds + timed.seconds, max(provenance, timed.provenance)
        return Timed(seconds, provenance)

    def latent_slope(self, shape: Latent) -> float | None:
        """Return ``None`` where the time comes from the table: it is no line over the context."""
        measured = self._latent(shape) in self._table.latent_decode
        return None if measured else super().latent_slope(shape)

    def experts(self, shape: Expert, tokens: float) -> Timed:
        """Return the time of a layer of routed experts on the busiest of its GPUs."""
        types = self._precision
        key = ExpertKey(
            shape.hidden,
            shape.ffn,
            shape.total,
            shape.active,
            shape.tp,
            shape.ep,
            types.weights,
            types.compute,
        )
        table = self._table.experts.get(key)
        return super().experts(shape, tokens) if table is None else table.at(tokens)

    def all_reduce(self, payload: float, group: int) -> Timed:
        """Return the time to sum ``payload`` bytes over a group, everywhere."""
        table = self._table.all_reduce.get(group)
        return super().all_reduce(payload, group) if table is None else table.at(payload)

    def all_gather(self, payload: float, group: int) -> Timed:
        """Return the time until each GPU of a group holds all ``payload`` bytes."""
        table = self._table.all_gather.get(group)
        return super().all_gather(payload, group) if table is None else table.at(payload)

    def all_to_all(self, payload: float, group: int) -> Timed:
        """Return the time for each GPU of a group to send ``payload`` bytes, spread evenly."""
        table = self._table.all_to_all.get(group)
        return super().all_to_all(payload, group) if table is None else table.at(payload)

    def send(self, payload: float, *, same_domain: bool) -> Timed:
        """Return the time for one GPU to send ``payload`` bytes to another."""
        if self._table.send is None or not same_domain:
            return super().send(payload, same_domain=same_domain)
        return self._table.send.at(payload)

    def _heads(self, shape: Heads) -> AttentionKey:
        return AttentionKey(shape.heads, shape.kv_heads, shape.head_dim, self._precision.kv)

    def _latent(self, shape: Latent) -> LatentKey:
        types = self._precision
        return LatentKey(shape.heads, shape.hidden, shape.kv_rank, types.weights, types.kv)

    def _decode_table(self, shape: Heads) -> Nested | None:
        return self._table.decode.get(self._heads(shape))


def _chunk(
    at: Callable[[float, float], Timed], new: float, prefills: float, cached: float
) -> Timed:
    """Seconds of chunks of equal prompts behind equal cached parts."""
    each, before = new / prefills, cached / prefills
    alone = at(prefills, each)
    if not before:
        return alone
    whole, part = at(prefills, each + before), at(prefills, before)
    provenance = max(whole.provenance, part.provenance, Provenance.INTERPOLATED)
    return Timed(max(whole.seconds - part.seconds, alone.seconds), provenance)
