"""Serving plans as the files that runtimes start from.

:func:`emit` writes a plan for vLLM, SGLang, Dynamo, llm-d, LeaderWorkerSet or KServe, with the plan
itself beside it as ``plan.json``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scheduling.errors import InputError
from scheduling.models.serving.plan import ServingPlan
from scheduling.planner.emit import dynamo, kserve, leaders, llmd, scripts
from scheduling.planner.emit.shape import Part, parts_of
from scheduling.planner.files import PLAN_FILE, plan_text
from scheduling.storage import write_files

Writer = Callable[[ServingPlan, tuple[Part, ...]], dict[str, str]]

RUNTIMES: dict[str, Writer] = {
    "vllm": scripts.vllm_files,
    "sglang": scripts.sglang_files,
    "dynamo": dynamo.files,
    "llm-d": llmd.files,
    "lws": leaders.files,
    "kserve": kserve.files,
}
"""Writers by the name of their runtime: from a plan to the texts of files by their names."""

MOST_TYPES = {"kserve": 1, "dynamo": (dynamo.MOST_COMPONENTS - 1) // 3}
"""Kinds of replicas of a model for each of the three roles, by the runtimes that limit them."""


def emit(plan: ServingPlan, runtime: str, folder: str | Path) -> list[Path]:
    """Write the files that a runtime starts a plan from, all or none of them.

    Every component of the plan becomes replicas of its own, with its batch, its token budget and
    its parallel layout; GPUs per pod times nodes times replicas are the plan's GPUs.

    Parameters
    ----------
    plan
        What to start.
    runtime
        One of :data:`RUNTIMES`.
    folder
        Where to; it is made when it is missing. Files of the same names are replaced.

    Returns
    -------
    list of Path
        The files written, ``plan.json`` last.

    Raises
    ------
    InputError
        For an unknown runtime, a plan that contradicts itself, a folder that cannot be written, or
        one that holds files of another plan, which would be started along.
    UnsupportedError
        When the runtime cannot express the plan; it names the component and the way out.

    Examples
    --------
    >>> from scheduling.planner.emit import RUNTIMES
    >>> sorted(RUNTIMES)
    ['dynamo', 'kserve', 'llm-d', 'lws', 'sglang', 'vllm']
    """
    require_runtime(runtime)
    target = Path(folder)
    texts = RUNTIMES[runtime](plan, parts_of(plan))
    _refuse_strangers(target, texts)
    texts[PLAN_FILE] = plan_text(plan)
    return write_files(target, {name: text.encode() for name, text in texts.items()})


def require_runtime(runtime: str) -> None:
    """Refuse a runtime that nothing is written for.

    Raises
    ------
    InputError
        With those that there are.
    """
    if runtime not in RUNTIMES:
        raise InputError.single("runtime", repr(runtime), f"one of: {', '.join(RUNTIMES)}")


def _refuse_strangers(folder: Path, texts: dict[str, str]) -> None:
    """Refuse a folder with a file of a kind that is written, but that would not be replaced."""
    endings = {Path(name).suffix for name in texts}
    present = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in present:
        if path.suffix in endings and path.name not in texts:
            expected = "a folder without files of other plans"
            raise InputError.single("folder", path.name, expected, str(folder))
