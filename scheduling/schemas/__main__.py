"""``python -m scheduling.schemas FOLDER`` keeps the shapes of all documents there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from scheduling.storage import write_files


def shapes() -> dict[str, Any]:
    """Return the schemas of problems and solutions by name, without the words in them.

    Words may change at any time; what remains is what a program relies on.
    """
    from scheduling.instances.kinds import has_solution, kinds
    from scheduling.instances.schema import json_schema, solution_schema
    from scheduling.schemas import problem, solution

    found = {"serving-plan": json_schema("serving-plan")}
    for kind in kinds():
        found[problem(kind)] = json_schema(kind)
        if has_solution(kind):
            found[solution(kind)] = solution_schema(kind)
    return {name: _bare(schema) for name, schema in found.items()}


def _bare(schema: Any, *, names: bool = False) -> Any:
    """Leave out descriptions and titles; keys of ``properties`` and ``$defs`` are names."""
    if isinstance(schema, list):
        return [_bare(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _bare(value, names=key in ("properties", "$defs") and not names)
        for key, value in schema.items()
        if names or key not in ("title", "description")
    }


def main() -> None:
    """Write the files."""
    texts = {
        f"{name}.json": f"{json.dumps(schema, indent=1, sort_keys=True)}\n".encode()
        for name, schema in shapes().items()
    }
    write_files(Path(sys.argv[1]), texts)


if __name__ == "__main__":
    main()
