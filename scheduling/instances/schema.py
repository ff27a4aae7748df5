"""JSON schemas of the project's own documents."""

from __future__ import annotations

from typing import Any

from scheduling import schemas
from scheduling.errors import InputError
from scheduling.instances.kinds import has_solution, kinds, problem_class, solution_class
from scheduling.models.schedule.objective import MEASURES
from scheduling.models.serving.plan import ServingPlan

_PLAN = "serving-plan"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON schema of the documents of a kind, short forms included.

    The schema states the shape of a document. What no schema can say, such as that every machine
    named by a mode exists, is checked when the document is read.

    Parameters
    ----------
    kind
        Kind of problem, such as ``"schedule"``, or ``"serving-plan"``.

    Raises
    ------
    InputError
        When there is no such kind.
    """
    if kind == _PLAN:
        schema = ServingPlan.model_json_schema()
        return {"$schema": _DRAFT, "title": "Serving plan (plan.json)", **schema}
    if kind not in kinds():
        expected = f"one of: {', '.join((*kinds(), _PLAN))}"
        raise InputError.single("kind", repr(kind), expected)
    schema = problem_class(kind).model_json_schema()
    schema["required"] = sorted({"kind", *schema.get("required", ())})
    for definition in schema.get("$defs", {}).values():
        if "type" in definition.get("properties", {}):
            definition["required"] = sorted({"type", *definition.get("required", ())})
    for owner in (schema, *schema.get("$defs", {}).values()):
        if "objective" in owner.get("properties", {}):
            owner["properties"]["objective"] = _objective(owner["properties"]["objective"])
    return {"$schema": _DRAFT, "title": f"Problem of kind {kind}", **schema}


def _objective(full: dict[str, Any]) -> dict[str, Any]:
    """Add the short forms: a measure, weighted measures, or a list of either."""
    measure = {"type": "string", "enum": list(MEASURES)}
    weighted = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": measure,
        "additionalProperties": {"type": "integer", "minimum": 1, "maximum": 10**6},
    }
    tiers = {"type": "array", "minItems": 1, "items": {"anyOf": [measure, weighted]}}
    reference = {key: value for key, value in full.items() if key == "$ref"}
    return {
        "description": "Measures to minimise, in order of importance; the makespan by default.",
        "anyOf": [measure, weighted, tiers, reference],
    }


def solution_schema(kind: str) -> dict[str, Any]:
    """Return the JSON schema of the solution files of a kind.

    Raises
    ------
    InputError
        When there is no such kind.
    """
    schema = solution_class(kind).model_json_schema()
    return {"$schema": _DRAFT, "title": f"Solution of kind {kind}", **schema}


def names() -> list[tuple[str, str]]:
    """Return the names of all schemas, each with the command that prints it."""
    found = [(schemas.problem(kind), f"scheduling schema {kind}") for kind in sorted(kinds())]
    found += [
        (schemas.solution(kind), f"scheduling schema {kind} --solution")
        for kind in sorted(kinds())
        if has_solution(kind)
    ]
    found.append((_PLAN, f"scheduling schema {_PLAN}"))
    return found + [(name, f"scheduling schema {name}") for name in sorted(schemas.OUTPUTS)]
