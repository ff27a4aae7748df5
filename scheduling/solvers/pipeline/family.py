"""The family ``pipeline`` as the driver sees it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from scheduling.models.pipeline.arrays import Cut, PipelineArrays, compile_pipeline
from scheduling.models.pipeline.bounds import step_bound
from scheduling.models.pipeline.check import check_pipeline
from scheduling.models.pipeline.problem import PipelineProblem
from scheduling.models.pipeline.solution import PipelineSolution, Stage
from scheduling.solvers.compiled import Compiled
from scheduling.solvers.registry import Family


class CompiledPipeline(Compiled[PipelineProblem, PipelineArrays, Cut, PipelineSolution]):
    """A problem with its sums; a candidate is a cut."""

    solution = PipelineSolution

    @staticmethod
    def compiled(problem: PipelineProblem) -> PipelineArrays:
        """Compile the sums."""
        return compile_pipeline(problem)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the objective's tiers."""
        return ("step",)

    @property
    def units(self) -> tuple[Fraction, ...]:
        """Seconds."""
        return (self.arrays.unit,)

    def bounds(self) -> list[int | None] | None:
        """Bound by formula."""
        return [step_bound(self.arrays)]

    def values(self, candidate: Cut) -> tuple[int, ...]:
        """Value of each tier."""
        return (self.arrays.cost(candidate),)

    def candidate(self, solution: PipelineSolution) -> Cut | None:
        """Translate a solution; one that is no cut is none."""
        ranges: dict[str, list[tuple[int, int]]] = {"forward": [], "both": [], "backward": []}
        for stage in solution.stages:
            if stage.end > len(self.problem.layers):
                return None
            ranges[stage.passes].append((stage.first, stage.end))
        if len(ranges["both"]) != 1:
            return None
        return Cut(tuple(ranges["forward"]), ranges["both"][0], tuple(ranges["backward"]))

    def fields(self, candidate: Cut) -> dict[str, Any]:
        """Return the stages of the solution."""
        found = [Stage(passes="forward", first=a, end=b) for a, b in candidate.forward]
        found.append(Stage(passes="both", first=candidate.fused[0], end=candidate.fused[1]))
        found += [Stage(passes="backward", first=a, end=b) for a, b in candidate.backward]
        return {"stages": tuple(found)}


FAMILY: Family[Cut] = Family(
    kind="pipeline",
    compile=CompiledPipeline,
    check=check_pipeline,
    home="scheduling.solvers.pipeline",
    solvers={"auto": "auto:Auto", "caps": "caps:Caps", "window": "caps:Window"},
)
