"""Reflectors: what an API server holds, listed once and kept up to date through a watch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol

from scheduling.kubernetes.client.backoff import Backoff
from scheduling.kubernetes.client.resources import Resource
from scheduling.kubernetes.client.server import ApiError, ApiServer

_LEAST_SECONDS, _MOST_SECONDS = 60, 120
_HASTE_SECONDS = 5.0
_ABSENT_SECONDS = 300.0
_NOT_FOUND = 404


Note = Callable[..., None]
"""Called with an event and its fields, each by name."""


class Store(Protocol):
    """What a reflector fills."""

    def replace(self, kind: str, objects: Iterable[dict[str, Any]]) -> object:
        """Take the objects of a kind that there are now."""

    def apply(self, kind: str, obj: dict[str, Any]) -> object:
        """Take an object that is new or has changed."""

    def delete(self, kind: str, namespace: str, name: str) -> object:
        """Drop an object."""


class _Stale(Exception):  # noqa: N818 - no error: the watch can tell no more, a list can
    """What is known is out of date, or may be, and has to be listed anew."""


class Reflector:
    """Keeps a store in step with the objects of one kind.

    A list in pages is followed by a watch from the version of the list on. A watch that ends or
    breaks is continued from the last version seen; when the server no longer keeps that version,
    or an event cannot be read, the kind is listed anew. Failures are followed by growing waits.

    Parameters
    ----------
    server
        The API server.
    resource
        What is watched.
    store
        What is kept in step.
    backoff
        The waits after failures.
    note
        Told of failures, and of what is skipped.
    """

    def __init__(
        self, server: ApiServer, resource: Resource, store: Store, backoff: Backoff, note: Note
    ) -> None:
        self._server = server
        self._note = note
        self._resource = resource
        self._store = store
        self._backoff = backoff
        self._paths = list(resource.paths())
        self._version = ""
        self.listed = False
        """Whether the kind was listed at least once."""
        self.failure: str | None = None
        """What went wrong last; ``None``: nothing since the last success."""
        self.restarts = 0
        """Number of lists after the first."""

    async def run(self) -> None:
        """Keep the store in step until cancelled."""
        while True:
            try:
                await self._list()
                while True:
                    await self._watch()
            except _Stale as reason:
                self.restarts += 1
                self._note("listing anew", resource=self._resource.plural, reason=str(reason))
                await asyncio.sleep(self._backoff.next())
            except ApiError as error:
                await self._failed(error)

    async def _failed(self, error: ApiError) -> None:
        absent = self._resource.optional and error.code == _NOT_FOUND
        if absent:
            # A server may be upgraded, and serve it one day.
            self._take([])
            await asyncio.sleep(_ABSENT_SECONDS)
            return
        self.failure = str(error)
        wait = error.retry_after or self._backoff.next()
        self._note(
            "cluster not reached",
            level="warning",
            resource=self._resource.plural,
            error=str(error),
            retry_seconds=round(wait, 3),
        )
        await asyncio.sleep(wait)

    async def _list(self) -> None:
        for path in self._paths:
            try:
                await self._list_path(path)
            except ApiError as error:
                if error.gone:
                    raise _Stale("the list grew too old between two pages") from error
                if error.code == _NOT_FOUND and path != self._paths[-1]:
                    continue
                raise
            self._path = path
            return

    async def _list_path(self, path: str) -> None:
        objects: list[dict[str, Any]] = []
        version = ""
        async for page in self._server.pages(path, self._resource.fields):
            metadata, items = page.get("metadata"), page.get("items", [])
            if not isinstance(metadata, dict) or not isinstance(items, list):
                raise ApiError(None, f"{path}: the answer is no list of objects")
            version = str(metadata.get("resourceVersion", ""))
            for entry in items:
                if _named(entry):
                    objects.append(entry)
                else:
                    self._skip(entry)
        self._version = version
        self._take(objects)

    def _take(self, objects: list[dict[str, Any]]) -> None:
        self._store.replace(self._resource.kind, objects)
        self.listed, self.failure = True, None

    async def _watch(self) -> None:
        """Follow one watch until the server ends it or it breaks."""
        began = asyncio.get_running_loop().time()
        seconds = self._backoff.between(_LEAST_SECONDS, _MOST_SECONDS)
        lines = self._server.watch(self._path, self._version, seconds, self._resource.fields)
        try:
            async for event in self._events(lines):
                self._event(event)
                self._backoff.reset()
        except ApiError as error:
            if error.gone:
                raise _Stale("the server no longer keeps the version") from error
            if error.code == _NOT_FOUND:
                raise
            await self._failed(error)
            return
        if asyncio.get_running_loop().time() - began < _HASTE_SECONDS:
            # A server that ends every watch at once is not to be asked without pause.
            await asyncio.sleep(self._backoff.next())
        else:
            self._backoff.reset()

    async def _events(self, lines: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
        async for line in lines:
            if not line:
                self.failure = None
                continue
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if not isinstance(event, dict) or not isinstance(event.get("object"), dict):
                self._skip(line)
                raise _Stale("an event could not be read")
            yield event

    def _event(self, event: dict[str, Any]) -> None:
        kind, entry = event.get("type"), event["object"]
        if kind == "ERROR":
            raise ApiError(_code(entry), str(entry.get("message", "the watch failed")))
        metadata = entry.get("metadata")
        if kind == "BOOKMARK" and isinstance(metadata, dict):
            self._version = str(metadata.get("resourceVersion", self._version))
            return
        if kind not in ("ADDED", "MODIFIED", "DELETED") or not _named(entry):
            self._skip(event)
            raise _Stale("an event could not be read")
        metadata = entry["metadata"]
        if kind == "DELETED":
            self._store.delete(
                self._resource.kind, metadata.get("namespace") or "", metadata["name"]
            )
        else:
            self._store.apply(self._resource.kind, entry)
        self._version = str(metadata.get("resourceVersion", self._version))

    def _skip(self, what: object) -> None:
        excerpt = (what.decode(errors="replace") if isinstance(what, bytes) else repr(what))[:120]
        self._note(
            "skipped what is no object",
            level="warning",
            resource=self._resource.plural,
            excerpt=excerpt,
        )


def _named(entry: object) -> bool:
    """Tell whether something is an object with a name and parts that are mappings."""
    if not isinstance(entry, dict):
        return False
    if any(not isinstance(entry.get(part) or {}, dict) for part in ("spec", "status")):
        return False
    metadata = entry.get("metadata")
    if not isinstance(metadata, dict):
        return False
    name, space = metadata.get("name"), metadata.get("namespace", "")
    return isinstance(name, str) and bool(name) and isinstance(space, str)


def _code(status: dict[str, Any]) -> int | None:
    code = status.get("code")
    return code if isinstance(code, int) else None
