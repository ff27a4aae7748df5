"""Write the models that solvers build, for other tools and for questions to an engine's makers."""

from __future__ import annotations

from pathlib import Path

from scheduling.errors import InputError, UnsupportedError
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.schedule.family import CompiledSchedule
from scheduling.solvers.schedule.features import feature_refusal

FORMATS = {
    ".pbtxt": "CP-SAT model, text (CpModelProto)",
    ".pb": "CP-SAT model, binary (CpModelProto)",
    ".mps": "mixed-integer program (MPS)",
}
"""Suffixes of files, and what they hold."""


def export_model(problem: ScheduleProblem, path: str | Path) -> None:
    """Write the model of a problem's first tier; later tiers depend on its value.

    Parameters
    ----------
    problem
        The problem.
    path
        File to write; its suffix, one of :data:`FORMATS`, names the format. In the CP-SAT model
        the variable ``start <task>`` is the task's start and ``mode <k> of <task>`` tells whether
        it runs in its mode k (from 0).

    Raises
    ------
    InputError
        When the suffix is unknown or the file cannot be written.
    UnsupportedError
        When the problem has no schedule by its time windows alone, so that there is no model, or
        is too large for the format.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        known = ", ".join(FORMATS)
        raise InputError.single("path", repr(path.name), f"a name that ends in one of {known}")
    if not path.parent.is_dir():
        raise InputError.single("path", repr(str(path.parent)), "a folder that exists")
    data = CompiledSchedule(problem)
    if path.suffix == ".mps":
        _write_mps(data, path)
    else:
        _write_proto(data, path)


def _write_proto(data: CompiledSchedule, path: Path) -> None:
    from scheduling.solvers.schedule.cpsat.model import Formulation
    from scheduling.solvers.schedule.cpsat.solver import CpSat

    refusal = CpSat().refusal(data)
    if refusal is not None:
        raise UnsupportedError(f"CP-SAT model: {refusal}")
    formulation = Formulation(data.arrays, 0)
    if formulation.infeasible:
        raise UnsupportedError(_NO_SCHEDULE)
    formulation.add_names()
    if not formulation.model.export_to_file(str(path)):
        raise InputError.single("path", repr(str(path)), "a file that can be written")


def _write_mps(data: CompiledSchedule, path: Path) -> None:
    from scheduling.solvers.linear.highs import Highs
    from scheduling.solvers.schedule.mip.choice import choose, too_large
    from scheduling.solvers.schedule.mip.frame import Frame

    reason = feature_refusal(data.arrays)
    if reason is not None:
        raise UnsupportedError(f"MPS: {reason}")
    frame = Frame.of(data.arrays)
    if frame is None:
        raise UnsupportedError(_NO_SCHEDULE)
    formulation = choose(frame, 0)
    if formulation is None:
        raise UnsupportedError(f"MPS: {too_large(frame)}")
    Highs().write_mps(formulation(frame, 0, ()).model, path)


_NO_SCHEDULE = "the time windows leave no schedule, so there is no model to write"
