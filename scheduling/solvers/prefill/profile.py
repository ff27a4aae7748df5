"""What is in a problem of prompts, as facts for people."""

from __future__ import annotations

from typing import Any

from scheduling.solvers.prefill.family import CompiledPrefill


def profile(data: CompiledPrefill) -> dict[str, Any]:
    """Return sizes and load, as plain values ready for JSON.

    Parameters
    ----------
    data
        Any problem of the family, compiled.
    """
    arrays = data.arrays
    return {
        "prompts": arrays.n,
        "operators": int(arrays.operators.sum()),
        "longest_operator": int(arrays.duration.max()),
        "work": int(arrays.work.sum()),
        "time_until_last_due": int(arrays.due.max() - arrays.release.min()),
        "in_time_alone": int((arrays.release + arrays.work <= arrays.due).sum()),
    }
