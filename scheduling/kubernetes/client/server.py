"""Calls of an API server: pages of lists, watches, and the few things that are changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2

from scheduling.errors import SchedulingError

PAGE = 500
"""Objects asked for at a time."""

MAX_LINE = 8 * 2**20
"""Longest line of a watch in bytes; an API server takes no object over 3 MiB."""

_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_SHOWN = 200
_GONE = 410

Document = dict[str, Any]


class ApiError(SchedulingError):
    """A call that an API server refused, or that did not reach it.

    Attributes
    ----------
    code
        HTTP status, ``None`` when there was no answer.
    retry_after
        Seconds after which the server asks to be called again; ``None``: it does not say.
    """

    def __init__(self, code: int | None, message: str, retry_after: float | None = None) -> None:
        self.code = code
        self.retry_after = retry_after
        super().__init__(message if code is None else f"{code}: {message}")

    @property
    def gone(self) -> bool:
        """Whether the version or page asked for is no longer kept."""
        return self.code == _GONE


class ApiServer:
    """An API server.

    Parameters
    ----------
    client
        Client with the server's address, certificates and credentials.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def pages(self, path: str, fields: str = "") -> AsyncIterator[Document]:
        """Yield the pages of a list.

        Raises
        ------
        ApiError
            ``gone`` when the list grew too old between two pages.
        """
        params = {"limit": str(PAGE), **_selector(fields)}
        while True:
            page = await self._call("GET", path, params=params)
            yield page
            mark = _metadata(page).get("continue")
            if not mark:
                return
            params["continue"] = str(mark)

    async def watch(
        self, path: str, version: str, seconds: int, fields: str = ""
    ) -> AsyncIterator[bytes]:
        """Yield an empty line when a watch is open, then its lines until the server ends it.

        Parameters
        ----------
        path, fields
            What is watched.
        version
            Resource version after which changes are told.
        seconds
            After so many seconds the server ends it. A connection that says nothing for longer is
            given up: its other end may have gone without a word.

        Raises
        ------
        ApiError
            When it is refused or breaks.
        """
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
            **_selector(fields),
        }
        timeout = httpx2.Timeout(self._client.timeout.connect, read=seconds + 10.0)
        try:
            async with self._client.stream("GET", path, params=params, timeout=timeout) as answer:
                if answer.status_code != httpx2.codes.OK:
                    await answer.aread()
                    raise _refusal(answer)
                yield b""
                async for line in _lines(answer):
                    yield line
        except (httpx2.HTTPError, OSError) as error:
            raise _unreached(error) from error

    async def evict(self, namespace: str, name: str, uid: str) -> None:
        """Evict a pod, and none that came after it under the same name."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        await self._post(_pod_path(namespace, name, "eviction"), body)

    async def bind(self, namespace: str, name: str, uid: str, node: str) -> None:
        """Bind a pod to a node."""
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        await self._post(_pod_path(namespace, name, "binding"), body)

    async def annotate(self, namespace: str, name: str, annotations: Mapping[str, str]) -> None:
        """Set annotations of a pod."""
        body = {"metadata": {"annotations": dict(annotations)}}
        content = json.dumps(body).encode()
        await self._call(
            "PATCH", _pod_path(namespace, name), content=content, content_type=_MERGE_PATCH
        )

    async def _post(self, path: str, body: Document) -> None:
        await self._call("POST", path, content=json.dumps(body).encode(), content_type=_JSON)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        content_type: str | None = None,
    ) -> Document:
        headers = {} if content_type is None else {"Content-Type": content_type}
        try:
            answer = await self._client.request(
                method, path, params=params, content=content, headers=headers
            )
        except (httpx2.HTTPError, OSError) as error:
            raise _unreached(error) from error
        if not answer.is_success:
            raise _refusal(answer)
        try:
            found = json.loads(answer.content)
        except ValueError as error:
            raise ApiError(None, f"{method} {path}: the answer is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise ApiError(None, f"{method} {path}: the answer is no object")
        return found


def _pod_path(namespace: str, name: str, *rest: str) -> str:
    return "/".join(("/api/v1/namespaces", namespace, "pods", name, *rest))


def _selector(fields: str) -> dict[str, str]:
    return {"fieldSelector": fields} if fields else {}


def _metadata(page: Document) -> Document:
    found = page.get("metadata")
    return found if isinstance(found, dict) else {}


async def _lines(answer: httpx2.Response) -> AsyncIterator[bytes]:
    """Yield lines that end in a line feed alone: JSON texts may hold other line separators."""
    kept = bytearray()
    async for chunk in answer.aiter_bytes():
        kept += chunk
        *lines, rest = kept.split(b"\n")
        for line in lines:
            if line.strip():
                yield bytes(line)
        kept = rest
        if len(kept) > MAX_LINE:
            raise ApiError(None, f"a line of a watch is longer than {MAX_LINE} bytes")


def _unreached(error: Exception) -> ApiError:
    return ApiError(None, f"{type(error).__name__}: {error}" if str(error) else repr(error))


def _refusal(answer: httpx2.Response) -> ApiError:
    """Translate a refusal; what is no ``Status`` object is quoted."""
    message = answer.text[:_SHOWN]
    try:
        status = json.loads(answer.content)
        message = str(status["message"])[:_SHOWN]
    except (ValueError, TypeError, KeyError):
        pass
    after = answer.headers.get("Retry-After", "")
    return ApiError(answer.status_code, message, float(after) if after.isdigit() else None)
