"""Cost models from measured phases: whole prompts and whole decode iterations of a replica."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from scheduling.errors import Fault, InputError
from scheduling.models.cost.protocol import Batch, Line, Provenance

MIXED_FACTOR = 1.1
"""How much longer a prompt takes when decodes share its iteration (Splitwise's simulator)."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A function that never falls, through measured points, linear between them.

    Before the first point it is flat, after the last it goes on as steeply as between the last two.

    Parameters
    ----------
    knots
        Where it was measured, ascending.
    values
        What was measured there, none below the one before it.
    """

    knots: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def through(cls, points: Mapping[float, Sequence[float]]) -> Curve:
        """Fit the curve to repeated measurements.

        The middle measurement of each place is taken; where these fall, neighbours are averaged
        until they do not (isotonic regression, weighted by the number of measurements).

        Raises
        ------
        InputError
            When there is no point.
        """
        if not points:
            raise InputError.single("profile", "no measurement", "at least one")
        pooled: list[tuple[float, int, int]] = []
        for knot in sorted(points):
            value, weight, count = _median(points[knot]), len(points[knot]), 1
            while pooled and pooled[-1][0] > value:
                before, mass, width = pooled.pop()
                value = (before * mass + value * weight) / (mass + weight)
                weight, count = mass + weight, width + count
            pooled.append((value, weight, count))
        values = tuple(value for value, _, count in pooled for _ in range(count))
        return cls(tuple(sorted(points)), values)

    def at(self, place: float) -> float:
        """Return its value."""
        knots, values = self.knots, self.values
        if place <= knots[0] or len(knots) == 1:
            return values[0]
        right = min(bisect_left(knots, place), len(knots) - 1)
        left = right - 1
        slope = (values[right] - values[left]) / (knots[right] - knots[left])
        return values[left] + slope * (place - knots[left])

    def provenance(self, place: float) -> Provenance:
        """Tell whether it was measured at a place, between such places, or neither."""
        if not self.knots[0] <= place <= self.knots[-1]:
            return Provenance.EXTRAPOLATED
        exact = self.knots[bisect_left(self.knots, place)] == place
        return Provenance.MEASURED if exact else Provenance.INTERPOLATED


@dataclass(frozen=True, slots=True)
class PhaseTable:
    """Times of whole phases, as Splitwise's simulator takes them (Patel et al., ISCA 2024).

    A prompt phase is a curve over the prompt tokens of the batch; a decode iteration is a curve
    over the number of sequences plus a share for each token of context. An iteration with both
    takes as long as a prompt phase of all its tokens, times 1.1, and no less than its decodes.

    Parameters
    ----------
    prompt
        Seconds over prompt tokens.
    decode
        Seconds over sequences, of contexts without a token.
    context_seconds
        Seconds for each token of context.
    contexts
        Least and greatest context that a sequence was measured with.
    """

    prompt: Curve
    decode: Curve
    context_seconds: float
    contexts: tuple[float, float]

    def seconds(self, batch: Batch) -> float:
        """Return the time of one iteration."""
        if not batch.tokens:
            return 0.0
        reading = self.context_seconds * (batch.cached_tokens + batch.context_tokens)
        decoding = self.decode.at(batch.decodes) if batch.decodes else 0.0
        if not batch.new_tokens:
            return decoding + reading
        if not batch.decodes:
            return self.prompt.at(batch.new_tokens) + reading
        return max(MIXED_FACTOR * self.prompt.at(batch.tokens), decoding) + reading

    def provenance(self, batch: Batch) -> Provenance:
        """Tell where that time comes from."""
        if batch.cached_tokens or (batch.new_tokens and batch.decodes):
            return Provenance.EXTRAPOLATED
        if batch.new_tokens:
            return self.prompt.provenance(batch.new_tokens)
        if not batch.decodes:
            return Provenance.MEASURED
        least, greatest = self.contexts
        found = self.decode.provenance(batch.decodes)
        if not least <= batch.context_tokens / batch.decodes <= greatest:
            return Provenance.EXTRAPOLATED
        # The sweep over batches and the sweep over contexts cross at a single sequence.
        return max(found, Provenance.INTERPOLATED)

    def line(self, batch: Batch) -> Line:
        """Return the time as a line over the decode context."""
        at_zero = self.seconds(batch) - self.context_seconds * batch.context_tokens
        return Line(at_zero, self.context_seconds)


@dataclass(frozen=True, slots=True)
class FittedPhases:
    """Phases as formulas that DistServe fits to measurements (Zhong et al., OSDI 2024).

    A prompt phase takes ``a + b S + c Q`` with the sum S of prompt tokens and the sum Q of their
    squares; a decode iteration ``a + b T + c B`` with the tokens T of context and the sequences B,
    with one triple below ``threshold`` sequences and another from there on. Prompt tokens that
    were cached count in Q as the pairs that new tokens form with them. An iteration with both
    phases takes as long as both; nobody measured one.

    Parameters
    ----------
    prompt, few, many
        Triples (a, b, c) in seconds: of prompts, of decode iterations of few and of many sequences.
    threshold
        Sequences from which ``many`` holds.
    stages
        Pipeline stages: the batch runs as that many smaller ones that follow each other, as far as
        it has the requests.
    """

    prompt: tuple[float, float, float]
    few: tuple[float, float, float]
    many: tuple[float, float, float]
    threshold: int
    stages: int = 1

    def seconds(self, batch: Batch) -> float:
        """Return the time of one iteration."""
        at_zero, per_token = self.line(batch)
        return at_zero + per_token * batch.context_tokens

    def provenance(self, batch: Batch) -> Provenance:
        """Tell that it is a fit through measurements, or beyond what was measured."""
        if batch.cached_tokens or (batch.new_tokens and batch.decodes):
            return Provenance.EXTRAPOLATED
        return Provenance.INTERPOLATED

    def line(self, batch: Batch) -> Line:
        """Return the time as a line over the decode context."""
        at_zero, per_token = 0.0, 0.0
        if batch.new_tokens:
            share = self._fullest(batch.prefills)
            base, linear, square = self.prompt
            squares = 2 * batch.prefill_pairs - batch.new_tokens
            at_zero += base + share * (linear * batch.new_tokens + square * squares)
        if batch.decodes:
            share = self._fullest(batch.decodes)
            sequences = share * batch.decodes
            base, slope, each = self.few if sequences < self.threshold else self.many
            at_zero += base + each * sequences
            per_token = slope * share
        return Line(at_zero, per_token)

    def _fullest(self, requests: int) -> float:
        """Return the share of the requests that the fullest of the smaller batches has."""
        return ceil(requests / self.stages) / requests if requests else 1.0


def fit_table(
    prompts: Mapping[float, Sequence[float]], decodes: Mapping[tuple[int, float], Sequence[float]]
) -> PhaseTable:
    """Fit a table of phases.

    Parameters
    ----------
    prompts
        Seconds of prompt phases by their tokens.
    decodes
        Seconds of decode iterations by the number of sequences and the mean context of each.

    Raises
    ------
    InputError
        When there is no prompt or no decode.
    """
    if not prompts or not decodes:
        faults = [
            Fault(place, "no measurement", "at least one")
            for place, points in (("prompt phase", prompts), ("decode phase", decodes))
            if not points
        ]
        raise InputError(faults)
    slope = _context_slope(decodes)
    bare: dict[float, list[float]] = {}
    for (sequences, context), seconds in decodes.items():
        taken = [value - slope * sequences * context for value in seconds]
        bare.setdefault(float(sequences), []).extend(taken)
    contexts = [context for _, context in decodes]
    curve = Curve.through(bare)
    return PhaseTable(Curve.through(prompts), curve, slope, (min(contexts), max(contexts)))


def _context_slope(decodes: Mapping[tuple[int, float], Sequence[float]]) -> float:
    """Fit seconds for each token of context over the contexts of the fewest sequences.

    The line is one of least squares that never falls, and so flat that no measured iteration would
    spend more than half its time on its context.
    """
    fewest = min(sequences for sequences, _ in decodes)
    points = [
        (context, _median(seconds))
        for (sequences, context), seconds in decodes.items()
        if sequences == fewest
    ]
    middle = sum(context for context, _ in points) / len(points)
    height = sum(value for _, value in points) / len(points)
    spread = sum((context - middle) ** 2 for context, _ in points)
    if not spread:
        return 0.0
    slope = sum((context - middle) * (value - height) for context, value in points) / spread
    most = min(
        _median(seconds) / (2 * sequences * context)
        for (sequences, context), seconds in decodes.items()
    )
    return min(max(slope / fewest, 0.0), most)


def _median(values: Sequence[float]) -> float:
    ranked = sorted(values)
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) / 2
