"""The journal: levels, forms, and the identifiers of requests."""

from __future__ import annotations

import io
import json
import logging

import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from scheduling.kubernetes.extender.app import Limits, build_app
from scheduling.kubernetes.extender.journal import Journal, JournalHandler
from scheduling.kubernetes.extender.planner import Planner
from scheduling.kubernetes.extender.service import Extender
from scheduling.kubernetes.extender.worker import Settings
from scheduling.kubernetes.state import ClusterState
from tests.kubernetes.clusters import node, pod


def test_lower_levels_are_left_out_and_libraries_have_theirs() -> None:
    stream = io.StringIO()
    journal = Journal(stream, "warning")
    journal.note("decision", pod="a")
    journal.note("cluster not reached", "warning", error="down")
    handler = JournalHandler(journal)
    for level in (logging.INFO, logging.CRITICAL):
        handler.handle(logging.makeLogRecord({"levelno": level, "msg": "x", "name": "lib"}))
    handler.handle(logging.makeLogRecord({"levelname": "WARNING", "msg": "hot", "name": "lib"}))
    journal.close()
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(event["level"], event["event"]) for event in events] == [
        ("warning", "cluster not reached"),
        ("error", "log"),
        ("error", "log"),
        ("warning", "log"),
    ]


def test_text_is_one_line_for_people() -> None:
    stream = io.StringIO()
    journal = Journal(stream, as_text=True)
    journal.note("decision", verb="filter", pod="shop/a", node=None)
    journal.close()
    moment, rest = stream.getvalue().split(" ", 1)
    assert rest == "info decision verb=filter pod=shop/a\n"
    assert moment.endswith("+00:00")


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1:2", True), ("", False), ("a b", False), ("x" * 129, False)]
)
def test_request_is_named_in_its_lines_and_its_answer(given: str, kept: bool) -> None:
    state = ClusterState.from_snapshot([node("n1"), pod("a", cpu="1")])
    stream = io.StringIO()
    journal = Journal(stream)
    extender = Extender(state, Planner(state, Settings()), journal=journal)
    client = TestClient(build_app(extender, Limits()))
    asked = {"Pod": pod("a", cpu="1"), "NodeNames": ["n1"]}
    answers = [
        client.post("/filter", json=body, headers={"X-Request-Id": given}) for body in (asked, {})
    ]
    journal.note("apart from requests")
    journal.close()
    assert [answer.status_code for answer in answers] == [200, 400]
    named = [answer.headers["X-Request-Id"] for answer in answers]
    assert (named == [given, given]) is kept
    assert (named[0] == named[1]) is kept
    decision, apart = (json.loads(line) for line in stream.getvalue().splitlines())
    assert decision["request"] == named[0]
    assert "request" not in apart
