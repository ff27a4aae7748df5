"""The catalogue: descriptions of GPUs and language models by name, kept beside this module."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from scheduling.errors import InputError
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.llm import Llm

_DATA = files("scheduling.models.cost") / "data"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def gpu(name: str) -> Gpu:
    """Return the description of a GPU.

    Parameters
    ----------
    name
        Its name or one of its aliases, such as ``"h100-sxm"``, ``"h100_sxm"`` or ``"a100-80gb"``;
        capitals and underscores do not matter.

    Raises
    ------
    InputError
        When the catalogue has none of that name; it suggests the closest ones.

    Examples
    --------
    >>> from scheduling.models.cost.catalogue import gpu
    >>> gpu("H100_SXM").bandwidth
    3350000000000.0
    """
    return _gpu(_key("gpus", "GPU", name))


def llm(name: str) -> Llm:
    """Return the description of a language model.

    Parameters
    ----------
    name
        Its name, such as ``"llama-3.1-70b"``, or a repository on Hugging Face with or without its
        owner; capitals and underscores do not matter.

    Raises
    ------
    InputError
        When the catalogue has none of that name; it suggests the closest ones.

    Examples
    --------
    >>> from scheduling.models.cost.catalogue import llm
    >>> llm("Qwen/Qwen3-32B").layers
    64
    """
    return _llm(_key("llms", "model", name))


def gpus() -> tuple[str, ...]:
    """Return the names of all GPUs of the catalogue."""
    return tuple(_entries("gpus"))


def llms() -> tuple[str, ...]:
    """Return the names of all language models of the catalogue."""
    return tuple(_entries("llms"))


@cache
def _gpu(key: str) -> Gpu:
    return Gpu.model_validate(_entries("gpus")[key])


@cache
def _llm(key: str) -> Llm:
    return Llm.model_validate(_entries("llms")[key])


@cache
def _entries(kind: str) -> Mapping[str, dict[str, Any]]:
    text = (_DATA / f"{kind}.yaml").read_text(encoding="utf-8")
    document = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, chosen above
    return {entry["name"]: entry for entry in document[kind]}


@cache
def _names(kind: str) -> Mapping[str, str]:
    """Map every spelling to the entry that it stands for; names go before bare repositories."""
    found: dict[str, str] = {}
    for name, entry in _entries(kind).items():
        repository = [entry["huggingface"]] if "huggingface" in entry else []
        for spelling in (name, *repository, *entry.get("aliases", ())):
            found[_plain(spelling)] = name
    for spelling, name in list(found.items()):
        found.setdefault(spelling.rpartition("/")[2], name)
    return found


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-")


def _key(kind: str, noun: str, name: str) -> str:
    known = _names(kind)
    key = known.get(_plain(name))
    if key is None:
        close = get_close_matches(_plain(name), known, n=12, cutoff=0.5)
        shown = list(dict.fromkeys(known[spelling] for spelling in close))[:5]
        expected = (
            f"a {noun} of the catalogue such as {', '.join(shown or list(_entries(kind))[:5])}"
        )
        raise InputError.single(noun, repr(name), expected)
    return key
