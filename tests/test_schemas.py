"""Schemas of outputs: each says name and version, and changes of shape do not go unseen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scheduling import schemas
from scheduling.errors import InputError
from scheduling.instances.schema import names
from scheduling.schemas.__main__ import shapes

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "schemas"


def test_shapes_of_documents_are_those_that_were_agreed() -> None:
    found = shapes()
    kept = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.iterdir()}
    told = "a new version? then: python -m scheduling.schemas docs/schemas"
    assert set(found) == set(kept), told
    changed = [
        name for name, schema in found.items() if json.loads(json.dumps(schema)) != kept[name]
    ]
    assert changed == [], told


def test_every_output_has_its_schema_and_every_schema_is_listed() -> None:
    listed = {name for name, _ in names()}
    assert set(shapes()) | set(schemas.OUTPUTS) == listed
    for name in schemas.OUTPUTS:
        schema = schemas.output_schema(name)
        assert schema["type"] == "object"
        assert "schema" in schema["required"]
    with pytest.raises(InputError, match="did you mean 'check'"):
        schemas.output_schema("chek")


@pytest.mark.parametrize("value", [{"a": 1}, [{"a": 1}, {"a": 2}], []])
def test_stamp_comes_first_and_off_again(value: Any) -> None:
    stamped = schemas.stamped("check", value)
    assert next(iter(stamped.items())) == ("schema", "scheduling/check/1")
    assert schemas.opened(stamped, None) == value
    assert schemas.opened(value, None) == value


@pytest.mark.parametrize("found", ["scheduling/solution-schedule/2", "other/x/1", 3])
def test_other_versions_are_refused_by_name(found: object) -> None:
    with pytest.raises(InputError) as error:
        schemas.opened({"schema": found, "kind": "schedule"}, "answer.json")
    assert "answer.json: schema: found" in str(error.value)
