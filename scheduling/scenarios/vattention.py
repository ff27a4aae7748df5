"""vAttention: how large the pages of a KV cache may be.

vAttention (arXiv 2405.04437) leaves paging to the driver, whose pages are 64 KB to 2 MB, where
vLLM's blocks have 16 tokens. A page holds keys or values of one layer, so the memory of a request
grows by a page in all layers at once; on average half a page less a token is wasted. Contiguous
memory for the longest sequence is what there was before. A simulated replica tells what the waste
costs when memory is short. The faster kernels of contiguous memory are not modelled.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from scheduling.errors import UnsupportedError
from scheduling.models.cost.catalogue import gpu, llm
from scheduling.models.cost.costs import replica_cost
from scheduling.models.cost.layout import Layout
from scheduling.models.cost.llm import GroupedAttention, Llm
from scheduling.models.cost.precision import BYTES, Dtype, Precision
from scheduling.models.requests.table import RequestTable
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.serving_loads import certified_gap, published_requests
from scheduling.simulator.requests.capacity import at_rate
from scheduling.simulator.requests.deployment import Deployment, Group
from scheduling.simulator.requests.fleet import simulate_fleet
from scheduling.simulator.requests.policies.admission import Reserve

PAGES = {"64 KB": 2**16, "128 KB": 2**17, "256 KB": 2**18, "2 MB": 2**21}
"""Pages of the driver in bytes."""

_MODEL = "llama-3-8b"
_REQUESTS = 200
_RATE = 20.0
_KV_TOKENS = 60_000
_PLENTY = 10**8
_LONGEST = 16_384
_BLOCK = 16


def page_tokens(model: Llm, page_bytes: int, tp: int = 1, dtype: Dtype = "bf16") -> int:
    """Return the tokens of a page: of keys, or of values, of one layer on one GPU.

    Parameters
    ----------
    model
        With grouped attention.
    page_bytes
        Bytes of the page.
    tp
        GPUs that share the heads.
    dtype
        Type of the cache.

    Raises
    ------
    UnsupportedError
        For a model with latent attention.
    """
    attention = model.attention
    if not isinstance(attention, GroupedAttention):
        raise UnsupportedError(f"{model.name} has no keys and values by head")
    heads = max(1, attention.kv_heads // tp)
    return int(page_bytes / (heads * attention.head_dim * BYTES[dtype]))


def wasted_tokens(requests: RequestTable, block: int) -> float:
    """Return the tokens of room that a running request holds on average and does not use.

    Two runs of a replica with plenty of memory, which differ in the size of a block only; both take
    the same time, so what they hold tells the waste.
    """
    group = replace(_replica(block), kv_tokens=_PLENTY)
    fine = replace(group, block_size=1)
    runs = [simulate_fleet(Deployment((one,)), requests, jumps=False) for one in (group, fine)]
    tallies = [run.instances[0].tally for run in runs]
    held = tallies[0].block_ns * block - tallies[1].block_ns
    first = runs[0]
    present = float((first.ended_ns - first.started_ns).sum())
    return held / present


@cache
def _replica(block: int) -> Group:
    cost = replica_cost(llm(_MODEL), gpu("a100-80gb-sxm"), Layout(), Precision())
    return Group("replica", cost, _KV_TOKENS, block_size=block)


def run(limits: Run) -> list[Row]:
    """Compare waste with its formula, and what short memory makes of it."""
    del limits
    requests = at_rate(published_requests("sharegpt", _REQUESTS, seed=0), _RATE)
    sizes = {name: page_tokens(llm(_MODEL), size) for name, size in PAGES.items()}
    return [*_waste_rows(requests, sizes), *_speed_rows(requests, sizes)]


def _waste_rows(requests: RequestTable, sizes: dict[str, int]) -> list[Row]:
    rows = []
    for name in ("64 KB", "2 MB"):
        formula = (sizes[name] - 1) / 2
        found = wasted_tokens(requests, sizes[name])
        rows.append(
            Row(
                case=f"pages of {name}: {sizes[name]} tokens",
                measure="tokens of room that a request wastes",
                baseline="half a page less a token",
                baseline_value=formula,
                method="simulated",
                value=found,
                gap=None,
                published="1024 tokens a page of 2 MB, 32 of 64 KB",
                verdict=f"{found / formula - 1:+.1%} beside the formula",
            )
        )
    return rows


def _speed_rows(requests: RequestTable, sizes: dict[str, int]) -> list[Row]:
    contiguous = replace(_replica(_BLOCK), admission=Reserve(_LONGEST))
    groups = {
        f"contiguous, {_LONGEST} tokens each": contiguous,
        f"blocks of {_BLOCK}": _replica(_BLOCK),
        **{f"pages of {name}": _replica(size) for name, size in sizes.items()},
    }
    seconds: dict[str, float] = {}
    gaps: dict[str, float | None] = {}
    for name, group in groups.items():
        ran = simulate_fleet(Deployment((group,)), requests)
        seconds[name] = ran.makespan_seconds
        gaps[name] = certified_gap(group, ran, "makespan")
    base, *others = groups
    return [
        Row(
            case=f"{_REQUESTS} conversations, {_KV_TOKENS} tokens of cache",
            measure="seconds until all are served",
            baseline=base,
            baseline_value=seconds[base],
            method=name,
            value=seconds[name],
            gap=gaps[name],
            published="up to 1.97 times the decode throughput of paged kernels (not modelled)",
            verdict=f"{seconds[base] / seconds[name]:.2f} times as fast",
        )
        for name in others
    ]


SCENARIO = Scenario(
    name="vattention",
    system="vAttention: KV memory paged by the driver (arXiv 2405.04437)",
    problem="KV memory in pages or in one piece",
    wants="nothing: a model and a GPU of the catalogue, drawn conversations",
    run=run,
    targets=(
        Target(("half a page",), at_least=0.94, at_most=1.06),
        Target(("seconds until", "pages of 2 MB"), at_most=1),
    ),
)
