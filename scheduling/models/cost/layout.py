"""How one replica of a model is spread over GPUs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Document

Degree = Annotated[int, Field(ge=1, le=4096)]


class Layout(Document):
    """Parallel layout of one replica: ``gpus = tp * pp * dp``.

    Attention is split ``tp`` ways and replicated ``dp`` times. The feed-forward part of a
    mixture of experts spreads over the same ``tp * dp`` GPUs of a stage: its experts over ``ep``
    groups of them, each expert split over ``tp * dp / ep`` GPUs of its group.

    Raises
    ------
    InputError
        When ``ep`` does not divide ``tp * dp``.
    """

    tp: Degree = Field(default=1, description="Tensor parallel degree of attention.")
    pp: Degree = Field(default=1, description="Pipeline stages.")
    dp: Degree = Field(default=1, description="Copies of attention inside the replica.")
    ep: Degree = Field(default=1, description="Groups that the experts are spread over.")

    def _faults(self) -> Iterator[Fault]:
        if self.stage_gpus % self.ep:
            expected = f"a divisor of tp * dp = {self.stage_gpus}"
            yield Fault("ep", str(self.ep), expected)

    @property
    def stage_gpus(self) -> int:
        """GPUs of one pipeline stage."""
        return self.tp * self.dp

    @property
    def gpus(self) -> int:
        """GPUs of the replica."""
        return self.stage_gpus * self.pp

    @property
    def expert_tp(self) -> int:
        """GPUs that each expert is split over."""
        return self.stage_gpus // self.ep

    def __str__(self) -> str:
        """Write the degrees above one, such as ``tp4 pp2``; ``tp1`` for a single GPU."""
        named = (("pp", self.pp), ("dp", self.dp), ("ep", self.ep))
        return " ".join([f"tp{self.tp}", *(f"{key}{value}" for key, value in named if value > 1)])
