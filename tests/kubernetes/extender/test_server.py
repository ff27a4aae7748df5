"""The server as a process: bad, slow, huge and many requests, TLS, and how it ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.kubernetes.clusters import node, pod
from tests.kubernetes.extender.replies import check_reply
from tests.kubernetes.extender.served import JSON, PATIENCE, Served, serving

NAMES = [f"n{k}" for k in range(20)]
BIG = pod("big", cpu="1500m", priority=9)
FILTER = {"Pod": BIG, "Nodes": None, "NodeNames": NAMES}
LIMIT = 2**20


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cluster") / "cluster.json"
    runs = [pod(f"low-{name}", on=name, cpu="800m") for name in NAMES]
    path.write_text(json.dumps({"kind": "List", "items": [*map(node, NAMES), *runs, BIG]}))
    return path


@pytest.fixture(scope="module")
def served(snapshot: Path) -> Iterator[Served]:
    limits = ("--max-body", "1", "--request-timeout", "1")
    with serving(snapshot, *limits) as found:
        found.wait_ready()
        yield found


@pytest.fixture(autouse=True)
def alive(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test did, the server answers afterwards."""
    yield
    if "served" in request.fixturenames:
        found = request.getfixturevalue("served")
        assert found.call("/healthz") == (200, b"ok\n")
        check_reply("filter", FILTER, found.ask("filter", FILTER))


def test_the_plan_is_followed_over_http(served: Served) -> None:
    report = json.loads(served.call("/plan")[1])
    assert report["current"]
    assert report["plan"]["gap"] == 0
    planned = {entry["item"]: entry for entry in report["plan"]["pods"]}
    wanted = planned["shop/big"]
    assert served.ask("filter", FILTER)["NodeNames"] == [wanted["node"]]
    scores = served.ask("prioritize", FILTER)
    check_reply("prioritize", FILTER, scores)
    assert [row["Host"] for row in scores if row["Score"]] == [wanted["node"]]
    victims = {name: {"Pods": [{"UID": f"uid-low-{name}"}]} for name in NAMES}
    request = {"Pod": BIG, "NodeNameToVictims": None, "NodeNameToMetaVictims": victims}
    reply = served.ask("preempt", request)
    check_reply("preempt", request, reply)
    assert list(reply["NodeNameToMetaVictims"]) == [wanted["node"]]
    text = served.call("/metrics")[1].decode()
    assert 'scheduling_extender_decisions_total{verb="preempt",reason="planned"} 1\n' in text
    assert "scheduling_extender_plan_gap 0\n" in text
    noted = served.wait_noted("decision")
    assert {"verb", "pod", "reason", "node", "passed", "plan", "seconds"} <= set(noted)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", JSON, 400),
        (b"{", JSON, 400),
        (b"[1, 2", JSON, 400),
        (b"null", JSON, 400),
        (b"\xff\xfe\x00", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b'{"Pod": {"metadata": {"name": 7}}, "NodeNames": []}', JSON, 400),
        (b'{"Pod": {"metadata": {"name": "p"}}}', JSON, 400),
        (b"{}", {}, 415),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Type": "application/json; charset=utf-8"}, 400),
        (None, {}, 405),
        (b'"' + b"x" * LIMIT + b'"', JSON, 413),
    ],
)
@pytest.mark.parametrize("verb", ["filter", "prioritize", "preempt", "bind"])
def test_bad_requests_get_a_message(
    served: Served, verb: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    try:
        found, answer = served.call(f"/{verb}", body, headers)
    except (BrokenPipeError, ConnectionResetError):
        # The server need not read on to the end before it refuses what is too large.
        assert status == 413
        return
    assert found == status
    assert json.loads(answer)["error"]


def test_unknown_pages_get_a_message(served: Served) -> None:
    assert served.call("/nothing") == (404, b'{\n  "error": "Not Found"\n}\n')


def test_a_body_without_length_is_measured_as_it_comes(served: Served) -> None:
    with served.connect() as client:
        client.sendall(
            b"POST /filter HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        answer = b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(LIMIT // 0x10000 + 1):
                client.sendall(chunk)
            answer = client.recv(100)
        assert answer[:12] in (b"HTTP/1.1 413", b"")


def head(length: int) -> bytes:
    lines = ["POST /filter HTTP/1.1", "Host: x", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


@pytest.mark.parametrize("sent", [b"", b"POST /fil", head(100)[:-2]])
def test_a_head_that_does_not_come_is_not_waited_for(served: Served, sent: bytes) -> None:
    with served.connect() as client:
        client.sendall(sent)
        # The end of the connection; without it the test would wait for ever.
        assert client.recv(100) == b""


def test_a_body_that_does_not_come_is_not_waited_for(served: Served) -> None:
    with served.connect() as client:
        client.sendall(head(100) + b'{"Pod"')
        assert client.recv(100).startswith(b"HTTP/1.1 408")


def test_requests_that_are_no_http_are_refused(served: Served) -> None:
    with served.connect() as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 400")


def test_clients_that_go_away_stop_nothing(served: Served) -> None:
    body = json.dumps(FILTER).encode()
    for sent in (head(len(body)) + body, head(len(body)) + body[:10], head(5)) * 20:
        with served.connect() as client:
            client.sendall(sent)


def test_many_at_once_all_get_their_answer(served: Served) -> None:
    def ask(number: int) -> None:
        request = {**FILTER, "Pod": pod(f"p{number}"), "NodeNames": NAMES[number % 20 :]}
        check_reply("filter", request, served.ask("filter", request))

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(ask, range(200)))


def test_many_requests_on_one_connection(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, PATIENCE)
    with contextlib.closing(connection):
        for number in range(50):
            body = json.dumps(FILTER) if number % 5 else "{"
            connection.request("POST", "/filter", body, JSON)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == (200 if number % 5 else 400)


def test_binding_changes_the_snapshot_and_the_plan(snapshot: Path) -> None:
    with serving(snapshot) as served:
        served.wait_ready()
        target = served.ask("filter", FILTER)["NodeNames"][0]
        request = {"PodName": "big", "PodNamespace": "shop", "PodUID": "uid-big", "Node": target}
        assert served.ask("bind", request) == {"Error": ""}
        assert "already" in served.ask("bind", request)["Error"]
        assert json.loads(served.call("/plan")[1])["state"]["pending"] == 0
        assert served.stop() == 0
        served.wait_noted("stopped")


def test_requests_in_flight_are_finished_at_the_end(snapshot: Path) -> None:
    body = json.dumps(FILTER).encode()
    with serving(snapshot) as served:
        served.wait_ready()
        with served.connect() as client:
            client.sendall(head(len(body)) + body[:10])
            served.call("/healthz")  # The head sent before has been read by now.
            served.process.terminate()
            client.sendall(body[10:])
            answer = b""
            while part := client.recv(65536):
                answer += part
        assert answer.startswith(b"HTTP/1.1 200")
        check_reply("filter", FILTER, json.loads(answer.split(b"\r\n\r\n", 1)[1]))
        assert served.process.wait(PATIENCE) == 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of one's own for 127.0.0.1, which clients show too."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    folder = tmp_path_factory.mktemp("tls")
    found, key = folder / "own.pem", folder / "own.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "3650", "-subj", "/CN=own"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(found)]
    subprocess.run(command, check=True, capture_output=True)
    return found, key


def test_tls_and_client_certificates(snapshot: Path, certificate: tuple[Path, Path]) -> None:
    own, key = map(str, certificate)
    stranger = ssl.create_default_context(cafile=own)
    known = ssl.create_default_context(cafile=own)
    known.load_cert_chain(own, key)
    arguments = ("--tls-cert", own, "--tls-key", key, "--client-ca", own, "--status-port", "0")
    with serving(snapshot, *arguments, tls=known) as served:
        served.wait_ready()
        check_reply("filter", FILTER, served.ask("filter", FILTER))
        served.tls = stranger
        with pytest.raises((ssl.SSLError, ConnectionError)):
            served.call("/healthz")
        pages = served.addresses["pages"]
        assert served.call("/healthz", port=pages) == (200, b"ok\n")
        assert served.call("/filter", b"{}", port=pages)[0] == 404
        assert served.stop() == 0
