"""Serving: sockets, TLS, slow clients, and an end that lets requests in flight finish."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from scheduling.errors import InputError
from scheduling.kubernetes.extender.app import Limits, build_app, build_pages
from scheduling.kubernetes.extender.journal import JournalHandler
from scheduling.kubernetes.extender.service import Extender

_GRACE = 20
"""Seconds that requests in flight have to finish after SIGTERM."""

_BACKLOG = 2048

_IDLE = 75
"""Seconds after which an idle connection is closed; the scheduler keeps its own for 90."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen.

    Attributes
    ----------
    host, port
        Address; port 0: a free one.
    certificate, key
        Files of the server's certificate and key; none: plain HTTP.
    client_ca
        File of the authority that must have signed a client's certificate; none: clients need none.
    """

    host: str = "127.0.0.1"
    port: int = 8888
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """How to serve.

    Attributes
    ----------
    address
        Of the verbs and the pages.
    status_port
        Port for the pages alone without TLS, for probes that have no certificate; none: no such.
    limits
        What a request may take.
    """

    address: Address = field(default_factory=Address)
    status_port: int | None = None
    limits: Limits = field(default_factory=Limits)


def serve(extender: Extender, serving: Serving) -> None:
    """Serve until SIGTERM or an interrupt.

    Raises
    ------
    InputError
        When it cannot listen there, or a certificate cannot be used.
    """
    with contextlib.ExitStack() as open_sockets:
        servers = []
        for name, app, address in _parts(extender, serving):
            server = _Server(_config(app, address, serving.limits))
            listener = open_sockets.enter_context(_listen(address))
            servers.append((server, listener))
            scheme = "https" if address.certificate else "http"
            host, port = listener.getsockname()[:2]
            extender.journal.note("listening", serves=name, address=f"{scheme}://{host}:{port}")
        _log_into(extender)
        extender.planner.start()
        try:
            asyncio.run(_run(servers, extender))
        finally:
            extender.planner.stop()
            extender.journal.note("stopped")
            extender.journal.close()


def _parts(extender: Extender, serving: Serving) -> Iterator[tuple[str, Starlette, Address]]:
    yield "verbs", build_app(extender, serving.limits), serving.address
    if serving.status_port is not None:
        address = Address(serving.address.host, serving.status_port)
        yield "pages", build_pages(extender), address


async def _run(servers: list[tuple[_Server, socket.socket]], extender: Extender) -> None:
    def stop() -> None:
        for server, _ in servers:
            server.force_exit = server.should_exit
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    settled = asyncio.create_task(_settle(extender))
    await asyncio.gather(*(server.serve(sockets=[listener]) for server, listener in servers))
    settled.cancel()


async def _settle(extender: Extender) -> None:
    """Take the cluster's objects out of garbage collection: going through them stops answers."""
    while not extender.state.synced():  # noqa: ASYNC110 - other threads bring the state
        await asyncio.sleep(0.1)
    gc.collect()
    gc.freeze()


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller, who ends with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Protocol(H11Protocol):
    """HTTP/1.1 that gives up connections on which no request's head comes to its end."""

    patience: float
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._busy():
            self._forget()
        elif self._waiting is None and self.timeout_keep_alive_task is None:
            self._waiting = self.loop.call_later(self.patience, self._give_up)

    def _give_up(self) -> None:
        self._waiting = None
        if not self._busy():
            self.transport.close()

    def _busy(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _forget(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def _config(app: Starlette, address: Address, limits: Limits) -> uvicorn.Config:
    protocol = type("_PatientProtocol", (_Protocol,), {"patience": limits.seconds})
    config = uvicorn.Config(
        app,
        http=protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_GRACE,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
        ssl_ca_certs=None if address.client_ca is None else str(address.client_ca),
        ssl_cert_reqs=ssl.CERT_NONE if address.client_ca is None else ssl.CERT_REQUIRED,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(
            str(p) for p in (address.certificate, address.key, address.client_ca) if p
        )
        raise InputError.single("TLS", f"{files}: {error}", "a certificate with its key") from error
    return config


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # With the protocol named, asyncio sends what is written at once. Without, the second part of
    # each answer waits 40 ms for the client to acknowledge the first.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        place = f"{address.host}:{address.port}"
        raise InputError.single(place, str(error), "an address that can be listened on") from error
    listener.setblocking(False)
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        # A client that takes no answer is given up by the system, in milliseconds.
        listener.setsockopt(socket.IPPROTO_TCP, option, 60_000)
    return listener


def _log_into(extender: Extender) -> None:
    handler = JournalHandler(extender.journal)
    root = logging.getLogger()
    root.handlers = [handler]
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
