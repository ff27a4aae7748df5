"""The cost of an iteration, put together from the operators of every layer."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import GroupedAttention, LatentAttention, Llm
from scheduling.models.cost.minorants import lower_edges
from scheduling.models.cost.operators import Expert, Heads, Latent, Operators, Timed
from scheduling.models.cost.protocol import Batch, Line, Minorant, Provenance

_ACTIVATION_BYTES = 2
_REMEMBERED = 1 << 14


class Share(NamedTuple):
    """What the busiest GPU group of a stage works on at a time, out of a batch."""

    new: float
    prefills: float
    cached: float
    pairs: float
    decodes: float
    context: float
    stage_tokens: float

    @property
    def tokens(self) -> float:
        """Tokens that pass through the layers of one copy of attention."""
        return self.new + self.decodes

    @property
    def rows(self) -> float:
        """Requests whose next token is sampled."""
        return self.prefills + self.decodes


class FloorSlopes(NamedTuple):
    """Least seconds that each new token, decode, token of context and pair adds to attention."""

    new: float
    decode: float
    context: float
    pair: float


class TokenWork(NamedTuple):
    """What depends on tokens alone: seconds but for attention, and the projections around it."""

    seconds: float
    provenance: Provenance
    projections: list[list[tuple[float, Timed]]]


class ReplicaCost:
    """Time of an iteration as a sum over layers and operators; implements ``CostModel``.

    With ``dp`` copies of attention the requests are spread evenly and the fullest copy counts.
    With ``pp`` stages a batch runs as ``pp`` smaller ones that follow each other, as far as it has
    the requests; the time is that until each request has passed all stages, so one iteration of
    the whole batch per that time.

    Parameters
    ----------
    llm
        The model.
    layout
        Parallel layout of the replica.
    operators
        Times of operators.
    """

    def __init__(self, llm: Llm, layout: Layout, operators: Operators) -> None:
        self._llm = llm
        self._layout = layout
        self._operators = operators
        self._terms = operators.terms
        self._stage_factor = layout.pp * ceil(llm.layers / layout.pp) / llm.layers
        self._heads = head_shapes(llm, layout.tp)
        self._latent = _latent_shape(llm, layout.tp)
        self._experts = expert_shape(llm, layout)
        counted = llm.layers * (1 if self._latent is None else 2) + llm.expert_layers
        self._launching = self._terms.launch_seconds * counted
        self._kept: dict[tuple[float, ...], TokenWork] = {}

    def seconds(self, batch: Batch) -> float:
        """Return the time of one iteration."""
        return self._timed(batch)[0]

    def provenance(self, batch: Batch) -> Provenance:
        """Tell where that time comes from: the weakest source of its operators.

        What the host and the small kernels between operators take is by formula and does not count.
        """
        return self._timed(batch)[1]

    def line(self, batch: Batch) -> Line | None:
        """Return the time as a line over the decode context, at that of ``batch`` and beyond.

        ``None`` below the windows of a model with windowed layers, where times come from a table,
        and where the host is slower than the GPU.
        """
        if not batch.decodes:
            return Line(self.seconds(batch), 0.0)
        share = self._share(batch)
        per_token = self._slope(share)
        if per_token is None:
            return None
        work, _ = self._work(share)
        if share.new and work < self._launching:
            return None
        slope = per_token * self._stage_factor * share.decodes / batch.decodes
        return Line(work + self._host(batch) - slope * batch.context_tokens, slope)

    def minorants(self, most_tokens: int) -> tuple[Minorant, ...]:
        """Return affine functions that no iteration of at most so many tokens undercuts.

        No operator is faster on more work, requests are at best spread evenly over copies and
        stages, and prompts' attention takes at least its multiplications; what tokens alone take
        is bounded from below by the edges of the lower hull of its steps over their number.
        """
        slopes = self._floor_slopes()
        if slopes is None:
            return ()
        step = self._terms.sequence_seconds + slopes.decode
        return tuple(
            Minorant(base, each + slopes.new, each + step, slopes.context, pair=slopes.pair)
            for base, each in lower_edges(self._least_seconds, most_tokens)
        )

    def _least_seconds(self, tokens: float) -> float:
        """Return what a batch of so many tokens takes at least, whatever they are."""
        groups = self._layout.dp * self._layout.pp
        share = Share(tokens / groups, 1.0, 0.0, 0.0, 0.0, 0.0, tokens / self._layout.pp)
        seconds = self._token_work(share).seconds + self._terms.iteration_seconds
        once = self._llm.layers * self._terms.attention_seconds
        for count, shape in self._heads:
            products = self._projections(shape, share.tokens)
            once += count * sum(timed.seconds for timed in products)
        return seconds + once * self._stage_factor

    def _floor_slopes(self) -> FloorSlopes | None:
        """Return what each piece of attention's work adds; ``None`` where tables have it."""
        ops, groups = self._operators, self._layout.dp * self._layout.pp
        if self._latent is not None:
            slope = ops.latent_slope(self._latent)
            if slope is None:
                return None
            scale = self._llm.layers * self._stage_factor / groups
            return FloorSlopes(0.0, 0.0, slope * scale, 0.0)
        new = decode = context = pair = 0.0
        for count, shape in self._heads:
            of_pair, of_context = ops.prefill_slope(shape), ops.decode_slope(shape)
            if of_pair is None or of_context is None:
                return None
            scale = count * self._stage_factor / groups
            step = ops.decode_attention(shape, 1.0, 0.0).seconds
            step -= ops.decode_attention(shape, 0.0, 0.0).seconds
            new += scale * of_pair * self._terms.prefill_pad
            decode += scale * step
            if shape.window is None:
                pair += scale * of_pair
                context += scale * of_context
        return FloorSlopes(new, decode, context, pair)

    def _timed(self, batch: Batch) -> tuple[float, Provenance]:
        if not batch.tokens:
            return 0.0, Provenance.ANALYTIC
        share = self._share(batch)
        work, provenance = self._work(share)
        if share.new:
            work = max(work, self._launching)
        return work + self._host(batch), provenance

    def _host(self, batch: Batch) -> float:
        host = self._terms.iteration_seconds
        return host + self._terms.sequence_seconds * (batch.prefills + batch.decodes)

    def _work(self, share: Share) -> tuple[float, Provenance]:
        seconds, provenance, projections = self._token_work(share)
        for count, timed in self._attention(share, projections):
            seconds += count * timed.seconds * self._stage_factor
            provenance = max(provenance, timed.provenance)
        return seconds, provenance

    def _share(self, batch: Batch) -> Share:
        groups, stages = self._layout.dp * self._layout.pp, self._layout.pp
        prefills = batch.prefills or min(1, batch.new_tokens)
        first = first_stage = _largest_part(prefills, groups)
        later = later_stage = _largest_part(batch.decodes, groups)
        if stages != groups:
            first_stage = _largest_part(prefills, stages)
            later_stage = _largest_part(batch.decodes, stages)
        stage = batch.new_tokens * first_stage + batch.decodes * later_stage
        return Share(
            batch.new_tokens * first,
            prefills * first,
            batch.cached_tokens * first,
            batch.prefill_pairs * first,
            batch.decodes * later,
            batch.context_tokens * later,
            stage,
        )

    # -------------------------------------------------------------- what depends on tokens alone

    def _token_work(self, share: Share) -> TokenWork:
        key = (share.tokens, share.rows, share.stage_tokens)
        kept = self._kept.get(key)
        if kept is None:
            projections: list[list[tuple[float, Timed]]] = [
                [(count, timed) for timed in self._projections(shape, share.tokens)]
                for count, shape in self._heads
            ]
            kept = TokenWork(*self._token_seconds(share), projections)
            if len(self._kept) >= _REMEMBERED:
                self._kept.clear()
            self._kept[key] = kept
        return kept

    def _token_seconds(self, share: Share) -> tuple[float, Provenance]:
        llm, layout, ops = self._llm, self._layout, self._operators
        plain = llm.layers - llm.expert_layers
        payload = share.tokens * llm.hidden * _ACTIVATION_BYTES
        frame = llm.layers * (self._terms.layer_seconds + ops.elementwise(10 * payload))
        parts: list[tuple[int, Timed]] = []
        if layout.tp > 1:
            parts.append((llm.layers + plain, ops.all_reduce(payload, layout.tp)))
        if plain:
            parts.extend((plain, timed) for timed in self._feed_forward(share.tokens, llm.ffn))
            frame += plain * self._activation(share.tokens, llm.ffn)
        if self._experts is not None:
            routed = self._routed(share, self._experts)
            parts.extend((llm.expert_layers, timed) for timed in routed)
            frame += llm.expert_layers * self._activation(share.tokens, self._experts.shared_ffn)
        stages = frame + sum(count * timed.seconds for count, timed in parts)
        once = [ops.head_product(share.rows, ceil(llm.vocabulary / layout.tp), llm.hidden)]
        if layout.pp > 1:
            once.append(ops.send(payload / layout.tp, same_domain=layout.gpus <= ops.domain))
        seconds = self._stage_factor * stages + layout.pp * sum(timed.seconds for timed in once)
        weakest = max(timed.provenance for timed in (*once, *(timed for _, timed in parts)))
        return seconds, weakest

    def _feed_forward(self, tokens: float, width: int) -> list[Timed]:
        inner = ceil(width / self._layout.tp)
        up = (2 if self._llm.gated else 1) * inner
        ops, hidden = self._operators, self._llm.hidden
        return [ops.product(tokens, up, hidden), ops.product(tokens, hidden, inner)]

    def _activation(self, tokens: float, width: int) -> float:
        inner = ceil(width / self._layout.tp)
        moved = tokens * (3 if self._llm.gated else 2) * inner * _ACTIVATION_BYTES
        return self._operators.elementwise(moved)

    def _routed(self, share: Share, shape: Expert) -> list[Timed]:
        llm, layout, ops = self._llm, self._layout, self._operators
        parts = [ops.head_product(share.tokens, shape.total, llm.hidden)]
        if shape.shared_ffn:
            parts.extend(self._feed_forward(share.tokens, shape.shared_ffn))
        parts.append(ops.experts(shape, share.stage_tokens))
        payload = share.tokens * llm.hidden * _ACTIVATION_BYTES
        if layout.stage_gpus == 1:
            return parts
        if layout.dp == 1:
            parts.append(ops.all_reduce(payload, layout.tp))
        elif layout.ep > 1:
            sent = payload * min(shape.active, layout.ep) / layout.tp
            parts.append(ops.all_to_all(sent / 2, layout.stage_gpus))
            parts.append(ops.all_to_all(sent, layout.stage_gpus))
        else:
            whole = share.stage_tokens * llm.hidden * _ACTIVATION_BYTES
            parts.extend([ops.all_gather(whole, layout.stage_gpus)] * 2)
        return parts

    # ------------------------------------------------------------------------------- attention

    def _attention(
        self, share: Share, projections: list[list[tuple[float, Timed]]]
    ) -> list[tuple[float, Timed]]:
        llm, ops = self._llm, self._operators
        if self._latent is not None:
            timed = ops.latent_attention(
                self._latent,
                share.new,
                share.prefills,
                share.cached,
                share.pairs,
                share.decodes,
                share.context,
            )
            return [(llm.layers, timed)]
        parts: list[tuple[float, Timed]] = []
        for (count, shape), products in zip(self._heads, projections, strict=True):
            parts += products
            if share.new:
                timed = ops.prefill_attention(
                    shape, share.new, share.prefills, share.cached, share.pairs
                )
                parts.append((count, timed))
            if share.decodes:
                timed = ops.decode_attention(shape, share.decodes, share.context)
                parts.append((count, timed))
        return parts

    def _projections(self, shape: Heads, tokens: float) -> list[Timed]:
        ops, hidden = self._operators, self._llm.hidden
        width = (shape.heads + 2 * shape.kv_heads) * shape.head_dim
        return [
            ops.product(tokens, width, hidden),
            ops.product(tokens, hidden, shape.heads * shape.head_dim),
        ]

    def _slope(self, share: Share) -> float | None:
        ops = self._operators
        if self._latent is not None:
            slope = ops.latent_slope(self._latent)
            return None if slope is None else slope * self._llm.layers
        total = 0.0
        for count, shape in self._heads:
            if shape.window is None:
                slope = ops.decode_slope(shape)
                if slope is None:
                    return None
                total += count * slope
            elif share.context < shape.window * share.decodes:
                return None
        return total


def _largest_part(requests: int, groups: int) -> float:
    """Share of the requests that the fullest of ``groups`` gets when they are spread evenly."""
    return -(-requests // groups) / requests if requests else 0.0


def head_shapes(llm: Llm, tp: int) -> list[tuple[int, Heads]]:
    """Return what one of ``tp`` GPUs holds of each kind of attention layer, and how many there are.

    Empty for latent attention.
    """
    attention = llm.attention
    if not isinstance(attention, GroupedAttention):
        return []
    heads = ceil(attention.heads / tp)
    kv_heads = ceil(attention.kv_heads / tp)
    whole = llm.layers - attention.windowed_layers
    shapes = [
        (whole, Heads(heads, kv_heads, attention.head_dim, None)),
        (attention.windowed_layers, Heads(heads, kv_heads, attention.head_dim, attention.window)),
    ]
    return [(count, shape) for count, shape in shapes if count]


def _latent_shape(llm: Llm, tp: int) -> Latent | None:
    attention = llm.attention
    if not isinstance(attention, LatentAttention):
        return None
    return Latent(
        ceil(attention.heads / tp),
        llm.hidden,
        attention.kv_rank,
        attention.rope_dim,
        attention.nope_dim,
        attention.value_dim,
        attention.query_rank,
    )


def expert_shape(llm: Llm, layout: Layout) -> Expert | None:
    """Return a layer of routed experts as a layout spreads it; ``None`` without experts."""
    experts = llm.experts
    if experts is None:
        return None
    return Expert(
        llm.hidden,
        experts.ffn,
        3 if llm.gated else 2,
        experts.count,
        experts.active,
        experts.shared_ffn,
        layout.expert_tp,
        layout.ep,
    )
