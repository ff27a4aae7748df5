"""Seconds of collectives: alpha-beta times over the links that join the GPUs of a group.

A ring moves ``2 (n - 1) / n`` of the data over each link to reduce it everywhere and
``(n - 1) / n`` to gather or to scatter it (Thakur, Rabenseifner and Gropp, 2005).
"""

from __future__ import annotations

from scheduling.models.cost.efficiency import Efficiency
from scheduling.models.cost.gpu import Gpu


class Links:
    """The links between GPUs of one type, as collectives see them.

    Parameters
    ----------
    gpu
        The GPU; ``domain_gpus`` of it share the fast links, others meet over the network.
    terms
        Efficiency terms.
    """

    def __init__(self, gpu: Gpu, terms: Efficiency) -> None:
        self._domain = gpu.domain_gpus
        self._fast = gpu.link_bandwidth * terms.link
        self._slow = gpu.network_bandwidth * terms.link
        self._fast_alpha = terms.reduce_seconds
        self._slow_alpha = terms.network_seconds

    def all_reduce(self, payload: float, group: int) -> float:
        """Return the seconds to sum ``payload`` bytes over ``group`` GPUs, everywhere.

        Within a domain a ring; over several, a reduction in each, one between them on the slices
        that each GPU then holds, and a gathering in each.
        """
        if group <= 1:
            return 0.0
        inner = min(group, self._domain)
        seconds = self._fast_alpha + 2 * (inner - 1) / inner * payload / self._fast
        if group > inner:
            outer = -(-group // inner)
            share = payload / inner
            seconds += self._fast_alpha + self._slow_alpha
            seconds += 2 * (outer - 1) / outer * share / self._slow
        return seconds

    def all_gather(self, payload: float, group: int) -> float:
        """Return the seconds until each of ``group`` GPUs holds all ``payload`` bytes.

        Scattering a sum (reduce-scatter) takes as long.
        """
        return 0.0 if group <= 1 else self._spread(payload, group)

    def all_to_all(self, payload: float, group: int) -> float:
        """Return the seconds for each of ``group`` GPUs to send ``payload`` bytes, spread evenly.

        Parameters
        ----------
        payload
            Bytes that one GPU sends, those to itself included.
        group
            GPUs that take part.
        """
        return 0.0 if group <= 1 else self._spread(payload, group)

    def _spread(self, payload: float, group: int) -> float:
        inner = min(group, self._domain)
        within = (inner - 1) / group * payload / self._fast
        beyond = (group - inner) / group * payload / self._slow
        alpha = self._fast_alpha + (self._slow_alpha if group > inner else 0.0)
        return alpha + max(within, beyond)

    def send(self, payload: float, *, same_domain: bool) -> float:
        """Return the seconds for one GPU to send ``payload`` bytes to another."""
        if same_domain:
            return self._fast_alpha + payload / self._fast
        return self._slow_alpha + payload / self._slow
