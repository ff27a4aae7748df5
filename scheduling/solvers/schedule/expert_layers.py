"""A rule for layers of experts that a CPU and a GPU share: which experts run where."""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.expert_layers import Flags, HybridLayer


def hybrimoe(layer: HybridLayer) -> Flags:
    """Choose the experts of the GPU by HybriMoE's rule.

    The GPU takes what is cached, then what the link brings, the heaviest first; the CPU takes the
    other uncached experts, the lightest first. Of all ways to part them in that order, the one
    whose timelines end first is kept.

    Parameters
    ----------
    layer
        The layer.

    Returns
    -------
    ndarray of bool
        Whether each expert runs on the GPU.

    Source: "HybriMoE: hybrid CPU-GPU scheduling and cache management for efficient MoE inference",
    DAC 2025 (arXiv 2504.05897).
    """
    others = np.flatnonzero(~layer.cached)
    others = others[np.argsort(-layer.cpu[others], kind="stable")]
    # Finish of the k-th loaded expert if the GPU were idle before, and behind the cached ones.
    work = np.cumsum(layer.gpu[others])
    waiting = np.cumsum(layer.load[others]) - work + layer.gpu[others]
    alone = np.concatenate(([0], work + np.maximum.accumulate(waiting)))
    behind = int(layer.gpu[layer.cached].sum()) + np.concatenate(([0], work))
    left = layer.cpu[others].sum() - np.concatenate(([0], np.cumsum(layer.cpu[others])))
    loaded = int(np.argmin(np.maximum(np.maximum(alone, behind), left)))
    on_gpu = layer.cached.copy()
    on_gpu[others[:loaded]] = True
    return on_gpu
