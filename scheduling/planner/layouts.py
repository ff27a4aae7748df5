"""Which parallel layouts a model can have on the nodes of a pool."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import Llm
from scheduling.models.serving.fleet import Options


@dataclass(frozen=True)
class PoolFacts:
    """A pool with everything that its file leaves to the catalogue filled in.

    Parameters
    ----------
    name
        Its name.
    gpu
        Its GPUs.
    nodes, gpus_per_node, domain_gpus
        How many there are, and how many of them fast links join.
    price_per_hour
        Dollars an hour and GPU, where known.
    watts
        Watts of a GPU that works, where the user states them; ``None``: as the cost model has it.
    """

    name: str
    gpu: Gpu
    nodes: int
    gpus_per_node: int
    domain_gpus: int
    price_per_hour: float | None
    watts: float | None

    @property
    def gpus(self) -> int:
        """GPUs of the pool."""
        return self.nodes * self.gpus_per_node

    def nodes_for(self, layout: Layout) -> int | None:
        """Return the nodes of one replica; ``None`` when it cannot stand on whole nodes."""
        if layout.gpus <= self.gpus_per_node:
            return 1
        whole, rest = divmod(layout.gpus, self.gpus_per_node)
        return None if rest or whole > self.nodes else whole


def layouts(llm: Llm, pool: PoolFacts, options: Options) -> Iterator[Layout]:
    """Yield the layouts of a model on a pool, by rising number of GPUs.

    Tensor parallelism takes powers of two that divide heads and widths and stays within a domain
    of fast links; pipeline stages are at most as many as layers. Mixtures of experts either split
    their experts like the rest or spread them over all GPUs of a stage; with copies of attention,
    which only they have, experts are spread and there is one stage, as runtimes do it.
    """
    found = []
    for tp in _powers(min(options.max_tp, pool.domain_gpus, pool.gpus)):
        if llm.attention.heads % tp or llm.ffn % tp:
            continue
        if tp > pool.gpus_per_node and pool.domain_gpus <= pool.gpus_per_node:
            continue
        for pp in _powers(min(options.max_pp, llm.layers)):
            for dp in _powers(options.max_dp if llm.experts is not None and pp == 1 else 1):
                if tp * pp * dp > min(options.max_replica_gpus, pool.gpus):
                    break
                found += [
                    Layout(tp=tp, pp=pp, dp=dp, ep=ep)
                    for ep in _spreads(llm, tp * dp, dp)
                    if ep <= options.max_ep
                ]
    usable = [layout for layout in found if pool.nodes_for(layout) is not None]
    yield from sorted(usable, key=lambda one: (one.gpus, one.pp, one.dp, one.ep))


def _powers(most: int) -> Iterator[int]:
    value = 1
    while value <= most:
        yield value
        value *= 2


def _spreads(llm: Llm, stage: int, dp: int) -> list[int]:
    if llm.experts is None or stage == 1:
        return [1]
    spread = [stage] if llm.experts.count % stage == 0 else []
    split = [1] if dp == 1 and llm.experts.ffn % stage == 0 else []
    return split + spread
