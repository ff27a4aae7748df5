"""What replicas draw: watts between idle and limit from how busy memory and arithmetic are."""

from __future__ import annotations

import math

from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import Llm
from scheduling.models.cost.precision import Precision
from scheduling.models.cost.protocol import (
    Batch,
    CostModel,
    KnowsMinorants,
    Line,
    Minorant,
    Provenance,
)
from scheduling.models.cost.work import flops, moved_bytes

BANDWIDTH_WEIGHT = 0.86
"""Share of the dynamic range that saturated memory alone draws."""

COMPUTE_WEIGHT = 1.5
"""Share of the dynamic range that arithmetic adds, for each share of its rate that is in use."""


def gpu_watts(gpu: Gpu, compute_share: float, bandwidth_share: float) -> float:
    r"""Return the mean power of one GPU.

    .. math:: P = P_{idle} + (P_{limit} - P_{idle}) \min(1, 0.86 \sqrt{b} + 1.5 c)

    with :math:`b` and :math:`c` the shares of the data sheet's bandwidth and of its arithmetic that
    are in use. The root stands for what does not fall with traffic: clocks, caches and links that
    stay up. Both weights follow the A100 rows of Splitwise's profile (Patel et al., ISCA 2024):
    while decoding 74 % of the limit at b = 0.62, 60 % at 0.38 and 44 % at 0.19; in prompts 75 % at
    c = 0.3 and the limit itself from c = 0.4 on.

    Parameters
    ----------
    gpu
        Its idle power and limit.
    compute_share, bandwidth_share
        Between 0 and 1; greater shares count as 1.

    Returns
    -------
    float
        Watts.
    """
    compute = min(max(compute_share, 0.0), 1.0)
    bandwidth = min(max(bandwidth_share, 0.0), 1.0)
    busy = min(1.0, BANDWIDTH_WEIGHT * math.sqrt(bandwidth) + COMPUTE_WEIGHT * compute)
    return gpu.idle_watts + (gpu.watts - gpu.idle_watts) * busy


class Metered:
    """A cost model that also knows what its replica draws; implements ``KnowsPower``.

    Shares are the counted operations and bytes of a batch over what the GPUs could do in its time.

    Parameters
    ----------
    cost
        Times of the replica.
    llm, gpu, layout, precision
        The replica.
    """

    def __init__(
        self, cost: CostModel, llm: Llm, gpu: Gpu, layout: Layout, precision: Precision
    ) -> None:
        self._cost = cost
        self._llm = llm
        self._gpu = gpu
        self._layout = layout
        self._precision = precision

    def seconds(self, batch: Batch) -> float:
        """Return the time of one iteration."""
        return self._cost.seconds(batch)

    def provenance(self, batch: Batch) -> Provenance:
        """Tell where the time comes from; power is always by formula."""
        return self._cost.provenance(batch)

    def line(self, batch: Batch) -> Line | None:
        """Return the time as a line over the decode context."""
        return self._cost.line(batch)

    def minorants(self, most_tokens: int) -> tuple[Minorant, ...]:
        """Return affine functions below the time, as far as the cost model knows some."""
        cost = self._cost
        return cost.minorants(most_tokens) if isinstance(cost, KnowsMinorants) else ()

    def watts(self, batch: Batch) -> float:
        """Return the mean power of the whole replica during such an iteration."""
        seconds = self._cost.seconds(batch)
        gpus = self._layout.gpus
        if not batch.tokens or seconds <= 0:
            return gpus * self._gpu.idle_watts
        rate = self._gpu.flop_rate(self._precision.compute)
        compute = 0.0 if rate is None else flops(self._llm, batch) / (gpus * rate * seconds)
        moved = moved_bytes(self._llm, self._layout, self._precision, batch)
        return gpus * gpu_watts(self._gpu, compute, moved / (gpus * self._gpu.bandwidth * seconds))
