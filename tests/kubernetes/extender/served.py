"""A real extender in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

JSON = {"Content-Type": "application/json"}
PATIENCE = 600.0
"""Seconds after which a test gives up waiting; nothing is judged by it."""


@dataclass
class Served:
    """A running extender.

    Attributes
    ----------
    process
        Its process.
    addresses
        Port by what is served there.
    lines
        What it wrote on standard error, line by line.
    """

    process: subprocess.Popen[str]
    addresses: dict[str, int] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    @property
    def port(self) -> int:
        return self.addresses["verbs"]

    def connect(self) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return plain if self.tls is None else self.tls.wrap_socket(plain)

    def call(
        self,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        port: int | None = None,
    ) -> tuple[int, bytes]:
        """Send a request and return status and body."""
        connection: http.client.HTTPConnection
        if self.tls is None or port is not None:
            connection = http.client.HTTPConnection("127.0.0.1", port or self.port, PATIENCE)
        else:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=PATIENCE, context=self.tls
            )
        with contextlib.closing(connection):
            method = "GET" if body is None else "POST"
            connection.request(method, path, body, JSON if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def ask(self, verb: str, request: Any) -> Any:
        status, body = self.call(f"/{verb}", json.dumps(request).encode())
        assert status == 200, body
        return json.loads(body)

    def wait_ready(self) -> None:
        end = time.monotonic() + PATIENCE
        while self.call("/readyz")[0] != 200:
            assert time.monotonic() < end, self.lines
            time.sleep(0.05)

    def wait_noted(self, event: str) -> dict[str, Any]:
        """Wait for the first line of an event; lines are written a few times a second."""
        end = time.monotonic() + PATIENCE
        while not (found := [line for line in self.lines if line["event"] == event]):
            assert time.monotonic() < end, self.lines
            time.sleep(0.05)
        return found[0]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def _listen(self, started: threading.Event) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            found = json.loads(line)
            self.lines.append(found)
            if found["event"] == "listening":
                self.addresses[found["serves"]] = int(found["address"].rsplit(":", 1)[1])
                started.set()
        started.set()


@contextlib.contextmanager
def serving(snapshot: Path, *arguments: str, tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Start an extender on a snapshot at a free port, and end it afterwards."""
    with running("--snapshot", str(snapshot), *arguments, tls=tls) as served:
        yield served


@contextlib.contextmanager
def running(*arguments: str, tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Start an extender at a free port, and end it afterwards."""
    command = [sys.executable, "-m", "scheduling", "extender"]
    # Plans end when they are closed, long before this limit, however busy the machine is.
    command += ["--port", "0", "--workers", "1", "--time-limit", str(PATIENCE), *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    served = Served(process, tls=tls)
    started = threading.Event()
    thread = threading.Thread(target=served._listen, args=(started,), daemon=True)
    thread.start()
    try:
        assert started.wait(PATIENCE)
        assert served.addresses, served.lines
        yield served
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE)
        thread.join(PATIENCE)
        assert process.stderr is not None
        process.stderr.close()
