"""A name for what a fitted pipeline is: the same fit, the same digest, in whatever process and memory it was made."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from include.ratchet.adapters.models import load_skops, save_skops

_OF_MEMORY = {"__id__", "file", "_skops_version"}
"""Keys of a skops schema that differ from dump to dump, or say who wrote it."""


def pipeline_digest(path: str | Path) -> str:
    """Return the digest of a skops file: its schema without object ids, with the arrays in the schema's order."""
    with zipfile.ZipFile(path) as archive:
        schema = json.loads(archive.read("schema.json"))
        text = json.dumps(_plain(schema, archive), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(pipeline: Any) -> str:
    """Return the digest that a pipeline has once it is registered, which writes it from what was read back."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skops"
        save_skops(pipeline, path)
        save_skops(load_skops(path), path)
        return pipeline_digest(path)


def _plain(node: Any, archive: zipfile.ZipFile) -> Any:
    if isinstance(node, list):
        return [_plain(each, archive) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: _plain(value, archive) for key, value in node.items() if key not in _OF_MEMORY}
    if isinstance(node.get("file"), str):
        made["file"] = _content(node["file"], archive.read(node["file"]))
    if node.get("__loader__") == "SetNode" and isinstance(made.get("content"), list):
        made["content"] = sorted(made["content"], key=lambda each: json.dumps(each, sort_keys=True))
    return made


def _content(name: str, content: bytes) -> str:
    """Name the content of an array, of sparse arrays, or of any other file."""
    if name.endswith(".npy"):
        return _array(np.load(io.BytesIO(content), allow_pickle=False))
    if name.endswith(".npz"):  # a zip file, which holds the time of writing
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return json.dumps({each: _array(arrays[each]) for each in sorted(arrays.files)})
    return hashlib.sha256(content).hexdigest()


def _array(array: np.ndarray[Any, Any]) -> str:
    """Name an array by type, shape and values; a record field by field, since what lies between its fields is chance."""
    if array.dtype.names:
        return json.dumps({name: _array(np.ascontiguousarray(array[name])) for name in array.dtype.names})
    made = hashlib.sha256(f"{array.dtype.str}|{array.shape}|".encode())
    made.update(np.ascontiguousarray(array).tobytes())
    return made.hexdigest()
