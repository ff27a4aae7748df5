"""Operators as PyTorch runs them on a CUDA or ROCm GPU, replayed from captured graphs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

from scheduling.errors import InputError, UnsupportedError
from scheduling.models.cost.catalogue import gpu as known
from scheduling.models.cost.precision import BYTES, Dtype
from scheduling.models.cost.profile import (
    AttentionShape,
    CopyShape,
    ExpertShape,
    ProductShape,
    Shape,
)
from scheduling.profiling.measuring import Runner, Unrunnable

_CACHE_BYTES = 256 << 20
"""Weights are run through in turn until so many bytes have passed, so that no cache holds them."""

_MOST_COPIES = 32
_CALLS = 10
"""Calls of an operator in one captured graph, at least."""


class TorchDevice:
    """The first GPU that PyTorch sees.

    Raises
    ------
    UnsupportedError
        Without PyTorch, or when it sees no GPU.
    """

    def __init__(self) -> None:
        try:
            import torch
        except ImportError:
            message = "profile needs PyTorch, which is not installed; pip install torch"
            raise UnsupportedError(message) from None
        if not torch.cuda.is_available():
            raise UnsupportedError("profile needs a GPU: PyTorch sees none")
        self._torch: Any = torch
        self._name = str(torch.cuda.get_device_name(0))

    @property
    def gpu(self) -> str:
        """Name of the GPU: that of the catalogue where it can be told, else the driver's."""
        words = self._name.lower().replace("nvidia ", "").replace("amd instinct ", "").split()
        for size in range(len(words), 0, -1):
            try:
                return known("-".join(words[:size])).name
            except InputError:
                continue
        return self._name

    @property
    def engine(self) -> str:
        """PyTorch and its version."""
        return f"pytorch {self._torch.__version__}"

    @property
    def types(self) -> tuple[tuple[Dtype, Dtype], ...]:
        """Types of 16 bits, and of 8 bits where the GPU multiplies them."""
        narrow = self._torch.cuda.get_device_capability(0) >= (8, 9)
        return (("bf16", "bf16"), ("fp8", "fp8")) if narrow else (("bf16", "bf16"),)

    @property
    def peers(self) -> bool:
        """Whether PyTorch sees a second GPU."""
        return bool(self._torch.cuda.device_count() > 1)

    def prepare(self, shape: Shape) -> Runner:
        """Allocate an operator's tensors and capture its graph."""
        try:
            match shape:
                case ProductShape():
                    return self._captured(self._product(shape))
                case AttentionShape():
                    return self._captured(self._attention(shape))
                case ExpertShape():
                    return self._captured(self._experts(shape))
                case CopyShape():
                    return self._timed(self._copy(shape), 1)
        except RuntimeError as error:
            self._torch.cuda.empty_cache()
            raise Unrunnable(str(error).splitlines()[0]) from None

    def _random(self, *sizes: int) -> Any:
        return self._torch.randn(*sizes, dtype=self._torch.bfloat16, device="cuda")

    def _copies(self, weight_bytes: float) -> range:
        return range(min(_MOST_COPIES, max(1, ceil(_CACHE_BYTES / weight_bytes))))

    def _product(self, shape: ProductShape) -> list[Callable[[], object]]:
        torch = self._torch
        left = self._random(shape.rows, shape.k)
        rights = [
            self._random(shape.n, shape.k)
            for _ in self._copies(shape.n * shape.k * BYTES[shape.weights])
        ]
        if shape.compute == "bf16":
            return [partial(torch.mm, left, right.t()) for right in rights]
        eight = torch.float8_e4m3fn
        scale = torch.ones((), device="cuda")

        def quantised(right: Any) -> object:
            return torch._scaled_mm(left.to(eight), right, scale, scale, out_dtype=torch.bfloat16)

        return [partial(quantised, right.to(eight).t()) for right in rights]

    def _attention(self, shape: AttentionShape) -> list[Callable[[], object]]:
        attend = self._torch.nn.functional.scaled_dot_product_attention
        prefill = shape.phase == "prefill"
        queries = self._random(
            shape.requests, shape.heads, shape.tokens if prefill else 1, shape.head_dim
        )
        sizes = (shape.requests, shape.kv_heads, shape.tokens, shape.head_dim)
        held = 4.0 * shape.requests * shape.kv_heads * shape.tokens * shape.head_dim
        pairs = [(self._random(*sizes), self._random(*sizes)) for _ in self._copies(held)]
        return [
            partial(attend, queries, keys, values, is_causal=prefill, enable_gqa=True)
            for keys, values in pairs
        ]

    def _experts(self, shape: ExpertShape) -> list[Callable[[], object]]:
        """Products of the experts that are hit, in one batch, with the gate between them."""
        torch = self._torch
        local = shape.total // shape.ep
        rows = max(1, shape.tokens * shape.active // shape.ep)
        hit, inner = min(local, rows), shape.ffn // shape.tp
        entering = self._random(hit, ceil(rows / hit), shape.hidden)
        up = self._random(local, shape.hidden, 2 * inner)
        down = self._random(local, inner, shape.hidden)

        def run(first: int) -> object:
            chosen = slice(first, first + hit)
            gate, value = torch.bmm(entering, up[chosen]).chunk(2, dim=-1)
            return torch.bmm(torch.nn.functional.silu(gate) * value, down[chosen])

        return [partial(run, first) for first in range(0, local - hit + 1, hit)]

    def _copy(self, shape: CopyShape) -> list[Callable[[], object]]:
        torch = self._torch

        def memory(device: str) -> Any:
            held = torch.empty(shape.payload_bytes, dtype=torch.uint8, device=device)
            return held.pin_memory() if device == "cpu" else held

        places = {
            "device": ("cuda", "cuda"),
            "from-host": ("cpu", "cuda"),
            "to-host": ("cuda", "cpu"),
            "peer": ("cuda:0", "cuda:1"),
        }
        source, target = (memory(place) for place in places[shape.way])
        return [partial(target.copy_, source, non_blocking=True)]

    def _captured(self, calls: list[Callable[[], object]]) -> Runner:
        """Capture some rounds of the calls in one graph, so that the host costs nothing."""
        torch = self._torch
        for call in calls:
            call()
        torch.cuda.synchronize()
        rounds = ceil(_CALLS / len(calls))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(rounds):
                for call in calls:
                    call()
        return self._timed([graph.replay], rounds * len(calls))

    def _timed(self, calls: list[Callable[[], object]], each: int) -> Runner:
        """Return a runner over calls that run the operator ``each`` times."""
        torch = self._torch

        def run(times: int) -> float:
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            needed = ceil(times / each)
            begin.record()
            for number in range(needed):
                calls[number % len(calls)]()
            end.record()
            torch.cuda.synchronize()
            return float(begin.elapsed_time(end)) / 1e3 * times / (needed * each)

        return run
