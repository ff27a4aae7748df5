"""``solve`` as tests call it: values that are missing fail where they are compared."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

import scheduling as sch


def solve(problem: Any, *given: Any, **limits: Any) -> Any:
    """Solve a problem; the answer's type is that of the problem's kind, unchecked."""
    return sch.solve(problem, *given, **limits)


def limit_by_work(monkeypatch: pytest.MonkeyPatch, module: ModuleType, units: float) -> None:
    """Have a module's calls of ``solve`` end after so much work, whatever time they ask for.

    What comes of it depends on no clock: on a slower machine it takes longer and is the same.
    """
    given: Any = vars(module)["solve"]

    def limited(*what: Any, **limits: Any) -> Any:
        if limits.pop("time_limit", None) is not None:
            limits |= {"work_limit": units, "workers": 1}
        return given(*what, **limits)

    monkeypatch.setattr(module, "solve", limited)
