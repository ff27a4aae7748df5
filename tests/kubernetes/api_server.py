"""A small API server for tests: lists in pages, watches, evictions, bindings, and faults."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kubernetes.api_cluster import KINDS, Cluster, Object

_FINISHED = ("Succeeded", "Failed")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in two writes; the second shall not wait for an acknowledgement.
    disable_nagle_algorithm = True
    server: ApiServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    @property
    def cluster(self) -> Cluster:
        return self.server.cluster

    def do_GET(self) -> None:
        self._guarded("GET", self._get)

    def do_POST(self) -> None:
        self._guarded("POST", self._post)

    def do_PATCH(self) -> None:
        self._guarded("PATCH", self._patch)

    def do_DELETE(self) -> None:
        self._guarded("DELETE", lambda path: self._refuse(405, "nobody deletes here"))

    def _guarded(self, method: str, answer: Callable[[str], None]) -> None:
        split = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(split.query).items()}
        self.cluster.used.add(_right(method, split.path, watch="watch" in self.query))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            token = self.server.token
            if token is not None and self.headers.get("Authorization") != f"Bearer {token}":
                self._body()
                self._refuse(401, "Unauthorized")
                return
            fault = self.cluster.fault(method, self.path)
            if fault is None:
                answer(split.path)
            elif fault.what == "drop":
                self.close_connection = True
            elif fault.what == "garbage":
                self._send(200, b'{"kind": "Pod')
            elif fault.what == "pause":
                self.cluster.released.wait(20.0)
                self.close_connection = True
            else:
                self._body()
                self._refuse(int(fault.what), "as the test wants it")

    def _get(self, path: str) -> None:
        plural = path.rsplit("/", 1)[-1]
        if plural not in KINDS:
            self._refuse(404, "the server could not find the requested resource")
        elif self.query.get("watch") == "true":
            self._watch(plural)
        else:
            self._list(plural)

    def _list(self, plural: str) -> None:
        cluster = self.cluster
        with cluster.changed:
            version, start = cluster.version, 0
            if "continue" in self.query:
                version, start = map(int, self.query["continue"].split(":"))
                if version < cluster.kept_from:
                    self._refuse(410, "The provided continue parameter is too old")
                    return
                found = self.server.pages[version, plural]
            else:
                found = [entry for entry in cluster.objects[plural].values() if self._wants(entry)]
                self.server.pages[version, plural] = found
            end = start + min(self.server.page, int(self.query.get("limit", len(found) + 1)))
            meta: Object = {"resourceVersion": str(version)}
            if end < len(found):
                meta["continue"] = f"{version}:{end}"
            body = {"kind": f"{KINDS[plural]}List", "metadata": meta, "items": found[start:end]}
            text = json.dumps(body).encode()
        self._send(200, text)

    def _wants(self, entry: Object) -> bool:
        if "fieldSelector" not in self.query:
            return True
        return entry.get("status", {}).get("phase") not in _FINISHED

    def _watch(self, plural: str) -> None:
        cluster = self.cluster
        seen = int(self.query.get("resourceVersion") or 0)
        with cluster.changed:
            if seen < cluster.kept_from:
                self._refuse(410, f"too old resource version: {seen}")
                return
            epoch, bookmark, noise = cluster.epoch, cluster.bookmark, len(cluster.noise)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        until = time.monotonic() + float(self.query.get("timeoutSeconds", 60))
        while time.monotonic() < until:
            with cluster.changed:
                if cluster.epoch != epoch or cluster.closing:
                    self.close_connection = True
                    return
                if seen < cluster.kept_from:
                    status = {"kind": "Status", "code": 410, "message": "too old"}
                    self._event({"type": "ERROR", "object": status})
                    break
                told = [
                    self._seen_as(kind, entry)
                    for number, where, kind, entry in cluster.history
                    if number > seen and where == plural
                ]
                seen = cluster.version
                babble, noise = cluster.noise[noise:], len(cluster.noise)
                if cluster.bookmark != bookmark:
                    bookmark = cluster.bookmark
                    mark = {"kind": KINDS[plural], "metadata": {"resourceVersion": str(seen)}}
                    told.append({"type": "BOOKMARK", "object": mark})
                if not told and not babble:
                    cluster.changed.wait(0.5)
                    continue
            for event in told:
                self._event(event)
            for line in babble:
                self._chunk(line + b"\n")
        self._chunk(b"")

    def _seen_as(self, kind: str, entry: Object) -> Object:
        """Return the event that a selector makes of a change."""
        return {"type": kind if self._wants(entry) else "DELETED", "object": entry}

    def _event(self, event: Object) -> None:
        self._chunk(json.dumps(event, ensure_ascii=False).encode() + b"\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _post(self, path: str) -> None:
        body = json.loads(self._body())
        *_, space, _, name, action = path.split("/")
        cluster = self.cluster
        with cluster.changed:
            cluster.requests.append(("POST", path, body))
            if action == "eviction":
                wanted = body.get("deleteOptions", {}).get("preconditions", {}).get("uid")
                code, message = cluster.evict(space, name, wanted)
            elif action == "binding":
                code, message = cluster.bind(space, name, body["target"]["name"])
            else:
                code, message = 404, "no such subresource"
        if message:
            self._refuse(code, message)
        else:
            self._send(code, b'{"kind": "Status", "status": "Success"}')

    def _patch(self, path: str) -> None:
        body = json.loads(self._body())
        *_, space, _, name = path.split("/")
        cluster = self.cluster
        with cluster.changed:
            cluster.requests.append(("PATCH", path, body))
            pod = cluster.get("Pod", space, name)
            if pod is None:
                self._refuse(404, f'pods "{name}" not found')
                return
            pod["metadata"].setdefault("annotations", {}).update(body["metadata"]["annotations"])
            self._send(200, json.dumps(cluster.put(pod)).encode())

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _refuse(self, code: int, message: str) -> None:
        status = {"kind": "Status", "status": "Failure", "code": code, "message": message}
        self._send(code, json.dumps(status).encode())

    def _send(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _right(method: str, path: str, *, watch: bool) -> tuple[str, str, str]:
    """Return verb, group and resource of a call."""
    _, root, *rest = path.split("/")
    group, rest = ("", rest[1:]) if root == "api" else (rest[0], rest[2:])
    if rest[0] == "namespaces" and len(rest) > 1:
        rest = rest[2:]
    resource = "/".join(rest[::2])
    verbs = {"GET": "watch" if watch else "list", "POST": "create", "PATCH": "patch"}
    return verbs.get(method, method), group, resource


class ApiServer(ThreadingHTTPServer):
    """The server over HTTP, on a port of its own.

    Parameters
    ----------
    cluster
        What it serves.
    page
        Most objects in a page of a list, whatever a client asks for.
    token
        Bearer token that every request must carry.
    context
        Makes it speak TLS.
    """

    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def __init__(
        self,
        cluster: Cluster,
        page: int = 500,
        token: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cluster = cluster
        self.page = page
        self.token = token
        self.pages: dict[tuple[int, str], list[Object]] = {}
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.server_port}"
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away."""


@contextlib.contextmanager
def serving(cluster: Cluster, **options: Any) -> Iterator[ApiServer]:
    """Serve a cluster in a thread."""
    server = ApiServer(cluster, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        cluster.calm()
        with cluster.changed:
            cluster.closing = True
            cluster.changed.notify_all()
        server.shutdown()
        server.server_close()
        thread.join()
