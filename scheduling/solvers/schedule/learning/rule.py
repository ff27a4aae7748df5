"""Learned priority rules as files."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    NonNegativeInt,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from scheduling.errors import InputError
from scheduling.solvers.schedule.learning.inputs import INPUTS, n_weights
from scheduling.storage import write_whole

_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


class Training(BaseModel):
    """Where the weights of a learned rule come from.

    Attributes
    ----------
    source
        How the training problems were made or found.
    sizes
        Number of training problems of each size, jobs by machines.
    solver, proven
        What solved them, and how many of them to proven optimality.
    seed, generations, population, sample
        Parameters of :func:`~scheduling.solvers.schedule.learning.training.learn_rule`.
    mean_gaps
        Mean distance from the solved makespans in percent: after imitation, with the first
        network, with the best of the first two, and so on.
    """

    model_config = _STRICT

    source: str
    sizes: dict[str, int]
    solver: str
    proven: int
    seed: int
    generations: int
    population: int
    sample: int
    mean_gaps: tuple[float, ...]


class LearnedRule(BaseModel):
    """A learned priority rule: networks that score candidates, each making one schedule.

    Attributes
    ----------
    inputs
        Names of what the networks see; those of
        :data:`~scheduling.solvers.schedule.learning.inputs.INPUTS`.
    units
        Hidden units of each network.
    networks
        Weights of each network, see :func:`~scheduling.solvers.schedule.learning.inputs.n_weights`.
        The first is the best alone; each further one was learned to help those before it.
    training
        Where the weights come from.
    """

    model_config = _STRICT

    kind: Literal["learned-rule"] = "learned-rule"
    inputs: tuple[str, ...]
    units: NonNegativeInt
    networks: tuple[tuple[float, ...], ...]
    training: Training

    @field_validator("inputs")
    @classmethod
    def _known_inputs(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if names != INPUTS:
            raise PydanticCustomError("inputs", f"the inputs {', '.join(INPUTS)}")
        return names

    @field_validator("networks")
    @classmethod
    def _whole_networks(
        cls, networks: tuple[tuple[float, ...], ...], info: ValidationInfo
    ) -> tuple[tuple[float, ...], ...]:
        count = n_weights(info.data.get("units", 0))
        sound = (len(row) == count and all(map(math.isfinite, row)) for row in networks)
        if not networks or not all(sound):
            raise PydanticCustomError("networks", f"at least one network of {count} finite weights")
        return networks

    @classmethod
    def read(cls, path: str | PathLike[str]) -> LearnedRule:
        """Read a rule from a JSON file.

        Raises
        ------
        InputError
            When the file cannot be read or holds no rule for the inputs of this version.
        """
        source = str(path)
        try:
            return cls.model_validate_json(Path(path).read_bytes())
        except OSError as error:
            found = (error.strerror or "an error").lower()
            raise InputError.single("file", found, "a file that can be read", source) from None
        except ValidationError as error:
            raise InputError.from_pydantic(error, source) from None

    def write(self, path: str | PathLike[str]) -> None:
        """Write the rule to a JSON file.

        Raises
        ------
        InputError
            When the file cannot be written.
        """
        fields = self.model_dump(mode="json")
        networks = fields.pop("networks")
        text = json.dumps(fields, indent=1, ensure_ascii=False).removesuffix("\n}")
        rows = ",\n  ".join(json.dumps(network) for network in networks)
        whole = f'{text},\n "networks": [\n  {rows}\n ]\n}}\n'
        write_whole(Path(path), whole.encode())


@cache
def packaged_rule() -> LearnedRule:
    """Return the rule that comes with the library, learned from generated job shops."""
    data = files("scheduling.solvers.schedule.learning") / "learned_rule.json"
    return LearnedRule.model_validate_json(data.read_bytes())
