"""``scheduling extender``: what it refuses before it serves."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.kubernetes.clusters import node, pod


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.json"
    path.write_text(json.dumps({"kind": "List", "items": [node("n1"), pod("web")]}))
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tls-cert", "own.pem"], "only a part of --tls-cert"),
        (["--client-ca", "ca.pem"], "only a part of --tls-cert"),
        (["--kubeconfig", "config"], "--snapshot: found a kubeconfig"),
        (["--move"], "--move: found a snapshot"),
        (["--solver", "best-fitt"], "did you mean 'best-fit'"),
        (["--port", "0", "--tls-cert", "gone.pem", "--tls-key", "gone.key"], "TLS: found gone.pem"),
        (["--port", "0", "--workers", "1000000"], "expected a whole number from 1 to 1024"),
    ],
)
def test_what_contradicts_is_named(
    cli: Cli, snapshot: Path, arguments: list[str], message: str
) -> None:
    done = cli("extender", "--snapshot", snapshot, *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_bad_snapshot_is_named(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({"kind": "List", "items": [node("n1", cpu="much")]}))
    done = cli("extender", "--snapshot", path)
    assert done.code == 2
    assert "bad.json" in done.err
    assert "'much'" in done.err


def test_a_port_that_is_taken_is_named(cli: Cli, snapshot: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = cli("extender", "--snapshot", snapshot, "--port", port)
    assert done.code == 2
    assert f"127.0.0.1:{port}" in done.err
