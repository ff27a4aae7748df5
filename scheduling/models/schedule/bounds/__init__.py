"""Lower bounds by formula: critical path, machine and resource load, per measure."""

from __future__ import annotations

from scheduling.models.schedule.bounds.formula import formula_bounds

__all__ = ["formula_bounds"]
