"""The extender over HTTP: guards before the verbs, and pages about itself."""

from __future__ import annotations

import asyncio
import re
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from scheduling.errors import InputError
from scheduling.kubernetes.extender.journal import REQUEST
from scheduling.kubernetes.extender.metrics import CONTENT_TYPE
from scheduling.kubernetes.extender.service import VERBS, Extender

_JSON = "application/json"

_ID = "X-Request-Id"
"""Header that names a request, in its log lines and its answer too."""

_SPELLED = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take.

    Attributes
    ----------
    body
        Bytes of a request's body.
    seconds
        Time in which a request's head, and then its body, must have come.
    """

    body: int = 64 * 2**20
    seconds: float = 10.0


def build_app(extender: Extender, limits: Limits) -> Starlette:
    """Build the application with the verbs and the pages."""
    routes = [
        Route(f"/{verb}", partial(_verb, extender, limits, verb), methods=["POST"])
        for verb in VERBS
    ]
    return _application(extender, routes)


def build_pages(extender: Extender) -> Starlette:
    """Build the application with the pages alone, for probes that have no certificate."""
    return _application(extender, [])


def _application(extender: Extender, routes: list[Route]) -> Starlette:
    pages: dict[str, Callable[[Extender, Request], Awaitable[Response]]] = {
        "/healthz": _healthz,
        "/readyz": _readyz,
        "/metrics": _metrics,
        "/plan": _plan,
    }
    routes += [Route(path, partial(page, extender)) for path, page in pages.items()]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused})


async def _verb(extender: Extender, limits: Limits, verb: str, request: Request) -> Response:
    started = time.perf_counter()
    named = _request_id(request)
    REQUEST.set(named)
    try:
        response = await _answered(extender, verb, await _body(request, limits))
    except HTTPException as error:
        response = await _refused(request, error)
    except ClientDisconnect:
        response = Response(status_code=499)  # Nobody reads it; it is counted.
    response.headers[_ID] = named
    extender.metrics.request(verb, response.status_code, time.perf_counter() - started)
    return response


def _request_id(request: Request) -> str:
    """Return the identifier that the client gives, or a new one."""
    given = request.headers.get(_ID, "")
    return given if _SPELLED.fullmatch(given) else uuid.uuid4().hex


async def _answered(extender: Extender, verb: str, body: bytes) -> Response:
    try:
        data = orjson.loads(body)
        result = (await extender.answer(verb, data)).result
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"no JSON: {error}") from error
    except InputError as error:
        raise HTTPException(400, str(error)) from error
    except Exception as error:  # noqa: BLE001 - a defect here must not cost the scheduler its answer
        extender.journal.note("failure", "error", verb=verb, trace=traceback.format_exc())
        result = extender.failure(verb, f"{type(error).__name__}: {error}")
    return Response(orjson.dumps(result), media_type=_JSON)


async def _body(request: Request, limits: Limits) -> bytes:
    """Read the body within its limits."""
    kind = request.headers.get("content-type", "")
    if kind.split(";", 1)[0].strip().lower() != _JSON:
        raise HTTPException(415, f"found content type {kind!r}, expected {_JSON}")
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length) > limits.body:
        raise _too_large(limits)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                size += len(part)
                if size > limits.body:
                    raise _too_large(limits)
                parts.append(part)
    except TimeoutError as error:
        message = f"the body did not come within {limits.seconds:g} seconds"
        raise HTTPException(408, message, {"Connection": "close"}) from error
    return b"".join(parts)


def _too_large(limits: Limits) -> HTTPException:
    message = f"the body is larger than {limits.body} bytes"
    return HTTPException(413, message, {"Connection": "close"})


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the form of a handler
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these alone
    return _json({"error": error.detail}, error.status_code, dict(error.headers or {}))


async def _healthz(extender: Extender, request: Request) -> Response:  # noqa: ARG001 - the form of a page
    if extender.healthy:
        return PlainTextResponse("ok\n")
    return PlainTextResponse("the connection to the cluster has ended\n", 503)


async def _readyz(extender: Extender, request: Request) -> Response:  # noqa: ARG001 - the form of a page
    if extender.ready:
        return PlainTextResponse("ok\n")
    return PlainTextResponse(f"waits for {extender.waits_for}\n", 503)


async def _metrics(extender: Extender, request: Request) -> Response:  # noqa: ARG001 - the form of a page
    text = extender.metrics.text(extender.samples())
    return Response(text, media_type=CONTENT_TYPE)


async def _plan(extender: Extender, request: Request) -> Response:  # noqa: ARG001 - the form of a page
    report = extender.report()
    plan = report["plan"]
    if plan is not None:
        report["plan"] = orjson.Fragment(plan.model_dump_json())
    return _json(report, 200, {})


def _json(value: Any, status: int, headers: dict[str, str]) -> Response:
    body = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Response(body, status, headers, _JSON)
