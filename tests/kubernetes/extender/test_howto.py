"""The page on the extender shows what its server answers."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.kubernetes.extender.served import serving

PAGE = Path(__file__).resolve().parents[3] / "docs" / "howto" / "extender.md"

if not PAGE.is_file():
    pytest.skip("the wheel is tested without the sources", allow_module_level=True)


def test_each_curl_gets_the_answer_shown(tmp_path: Path) -> None:
    text = PAGE.read_text()
    snapshot = tmp_path / "cluster.json"
    snapshot.write_text(text.split("```json\n", 1)[1].split("```", 1)[0])
    shown = [part.split("\n```", 1)[0].splitlines() for part in text.split("```console\n")[1:]]
    assert len(shown) == 3
    with serving(snapshot) as served:
        served.wait_ready()
        for command, answer in shown:
            words = shlex.split(command)
            verb = words[-1].rsplit("/", 1)[1]
            body = json.loads(words[words.index("-d") + 1])
            assert served.ask(verb, body) == json.loads(answer)
