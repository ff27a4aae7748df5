"""Files that describe a GPU or a language model, to be used beside the catalogue."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from scheduling.errors import InputError
from scheduling.instances.documents import located
from scheduling.instances.files import read_text
from scheduling.instances.jsontext import json_lines, parse_json
from scheduling.instances.yamltext import parse_yaml, yaml_lines
from scheduling.models.base import Document
from scheduling.models.cost.gpu import Gpu
from scheduling.models.cost.huggingface import from_config
from scheduling.models.cost.llm import Llm

D = TypeVar("D", bound=Document)

_CONFIG = "config.json"


def read_gpu(path: str | PathLike[str]) -> Gpu:
    """Read the description of a GPU from a YAML or JSON document with ``kind: gpu``.

    Raises
    ------
    InputError
        When the file cannot be read or is no such document; every fault names its line.
    """
    text, source = read_text(path)
    data, is_json = _parse(text, source)
    with located(text, source, json_lines if is_json else yaml_lines):
        return _of_kind(Gpu, "gpu", data)


def read_llm(path: str | PathLike[str]) -> Llm:
    """Read the description of a language model.

    Parameters
    ----------
    path
        A YAML or JSON document with ``kind: llm``, the ``config.json`` of a Hugging Face
        repository, or a folder that holds one. The model is then named as ``_name_or_path`` says,
        or else as its folder or file.

    Raises
    ------
    InputError
        When the file cannot be read or describes no such model; every fault names its line.
    """
    file = Path(path)
    if file.is_dir():
        file /= _CONFIG
    text, source = read_text(file)
    data, is_json = _parse(text, source)
    with located(text, source, json_lines if is_json else yaml_lines):
        if "kind" in data or not _is_config(data):
            return _of_kind(Llm, "llm", data)
        stated = data.get("_name_or_path")
        repository = stated if isinstance(stated, str) and stated else None
        folder = file.resolve().parent.name if file.name == _CONFIG else file.stem
        return from_config(data, (repository or folder).rpartition("/")[2], repository)


def _parse(text: str, source: str) -> tuple[dict[str, Any], bool]:
    is_json = re.match(r'\s*\{\s*("|\})', text) is not None
    data = parse_json(text, source) if is_json else parse_yaml(text, source)
    if not isinstance(data, dict):
        raise InputError.single("line 1", "no fields", "a mapping with a kind", source)
    return data, is_json


def _is_config(data: dict[str, Any]) -> bool:
    return any(key in data for key in ("model_type", "architectures", "text_config", "vocab_size"))


def _of_kind(model: type[D], kind: str, data: dict[str, Any]) -> D:
    if data.get("kind") != kind:
        found = repr(data["kind"]) if "kind" in data else "nothing"
        raise InputError.single("kind", found, repr(kind))
    return model.model_validate(data)
