"""Fleets for tests."""

from __future__ import annotations

from typing import Any

from scheduling.models.serving.fleet import Fleet


def fleet(**changes: Any) -> Fleet:
    """Return a small fleet: one model of 8 billion weights on one node of H100."""
    demand = {
        "name": "chat",
        "model": "llama-3.1-8b",
        "rate": 10.0,
        "prompt": 1000,
        "output": 200,
        "ttft": {"seconds": 0.5, "percentile": 90},
        "tpot": {"seconds": 0.03, "percentile": 90},
    }
    demand |= changes.pop("demand", {})
    data = {
        "kind": "fleet",
        "name": "small",
        "models": [{"name": "llama-3.1-8b"}],
        "pools": [{"name": "h100", "gpu": "h100-sxm", "nodes": 1, "price_per_hour": 2.5}],
        "demands": [demand],
    }
    return Fleet.model_validate(data | changes)
