"""What is in a fleet, as facts for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scheduling.models.serving.fleet import Fleet
from scheduling.planner.resolve import resolve


def profile(fleet: Fleet, folder: Path | None = None) -> dict[str, Any]:
    """Return sizes, loads and limits of a fleet, as plain values ready for JSON.

    Rates are requests per second and lengths tokens, both means; what a trace says is read from it.

    Parameters
    ----------
    fleet
        The request.
    folder
        Where the paths that it names begin; default: the working folder.

    Raises
    ------
    InputError
        For names that the catalogue does not have, and files that cannot be read.
    """
    known = resolve(fleet, folder)
    running = () if fleet.running is None else fleet.running.components
    return {
        "kind": fleet.kind,
        "goals": list(fleet.goals),
        "models": {model.name: f"{model.llm.parameters / 1e9:.1f}e9" for model in known.models},
        "pools": {pool.name: f"{pool.gpus} x {pool.gpu.name}" for pool in known.pools},
        "gpus": sum(pool.gpus for pool in known.pools),
        "requests_per_second": {load.demand: round(load.rate, 6) for load in known.loads},
        "prompt_tokens": {load.demand: round(load.requests.prompt.mean) for load in known.loads},
        "output_tokens": {load.demand: round(load.requests.output.mean) for load in known.loads},
        "targets": {load.demand: sorted(load.targets) for load in known.loads},
        "scenarios": len(fleet.scenarios),
        "limits": sorted(fleet.limits.model_dump(exclude_none=True)),
        "running_replicas": sum(component.replicas for component in running),
    }
