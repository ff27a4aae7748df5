"""The extender beside a live cluster."""

from __future__ import annotations

import asyncio

from scheduling.kubernetes.client.live import LiveCluster


class ClusterBinder:
    """Binds pods through the API server.

    Parameters
    ----------
    live
        The cluster.
    """

    def __init__(self, live: LiveCluster) -> None:
        self._live = live

    async def bind(self, namespace: str, name: str, uid: str, node: str) -> None:
        """Bind a pod.

        Raises
        ------
        ApiError
            Saying why it was not.
        """
        call = self._live.server.bind(namespace, name, uid, node)
        await asyncio.wrap_future(self._live.submit(call))
