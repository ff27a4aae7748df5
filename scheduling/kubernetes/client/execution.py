"""Credentials from an exec plug-in of a kubeconfig."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from scheduling.kubernetes.client.server import ApiError

API_VERSIONS = tuple(f"client.authentication.k8s.io/{name}" for name in ("v1", "v1beta1"))
"""Versions of the plug-ins' protocol."""

_SECONDS = 60.0
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Plugin:
    """A command that prints an ``ExecCredential``."""

    command: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    api_version: str


class PluginAuth(httpx2.Auth):
    """Bearer token of a plug-in, asked for anew when it expires or is refused.

    Parameters
    ----------
    plugin
        The command.
    """

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._held: tuple[str, datetime | None] | None = None
        self._lock = asyncio.Lock()

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send a request with the token, and once more with a new one when it is refused."""
        token = await self._current(None)
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == _UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {await self._current(token)}"
            yield request

    async def _current(self, refused: str | None) -> str:
        async with self._lock:
            if self._held is None or self._held[0] == refused or _past(self._held[1]):
                self._held = await asyncio.to_thread(_ask, self._plugin)
            return self._held[0]


def _past(expiry: datetime | None) -> bool:
    return expiry is not None and datetime.now(UTC) >= expiry


def _ask(plugin: Plugin) -> tuple[str, datetime | None]:
    """Run a plug-in; return its token and when that expires."""
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential"}
    info_text = json.dumps({**info, "spec": {"interactive": False}})
    environment = {**os.environ, **plugin.environment, "KUBERNETES_EXEC_INFO": info_text}
    where = f"exec plug-in {plugin.command!r}"
    try:
        done = subprocess.run(  # noqa: S603 - the kubeconfig of the user names the command
            [plugin.command, *plugin.arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ApiError(None, f"{where}: {error}") from error
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip()[:200]
        raise ApiError(None, f"{where} ended with {done.returncode}: {complaint}")
    try:
        status: dict[str, Any] = json.loads(done.stdout)["status"]
        token = status["token"]
        stamp = status.get("expirationTimestamp")
        expiry = None if stamp is None else datetime.fromisoformat(stamp)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ApiError(None, f"{where}: no token in what it printed") from error
    return str(token), expiry
