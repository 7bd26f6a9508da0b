"""What a graph of nodes needs to be sound, without knowing what its nodes do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from vantage_sdk.core.call import encode

N = TypeVar("N")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[A-Z]")


def label_of(node_type: str) -> str:
    """Return a label made from the last part of a node type: ``List Charges`` of ``stripe/listCharges``."""
    words = _WORDS.findall(node_type.rpartition("/")[2])
    return " ".join(word[0].upper() + word[1:] for word in words) or node_type


def settings(config: Mapping[str, Any] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a node, given in two ways, as they go over the wire; later changes do not reach them.

    Raises ``ValueError`` for a setting that was given twice, ``TypeError`` or ``ValueError`` for one that is no JSON.
    """
    if config is not None and not isinstance(config, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"config takes a mapping, not {type(config).__name__}")
    if twice := [name for name in given if name in (config or {})]:
        raise ValueError(f"{twice[0]} is given in config and as a keyword: give it once")
    found: dict[str, Any] = json.loads(encode({**(config or {}), **given}))
    return found


def circle(nodes: Sequence[N], edges: Sequence[tuple[N, N]]) -> list[N]:
    """Return the nodes of a circle, the first of them again at the end; nothing if there is none."""
    following: dict[N, list[N]] = {node: [] for node in nodes}
    for source, target in edges:
        following[source].append(target)
    left = _without_ends(following)
    if not left:
        return []
    path = [next(iter(left))]
    while path[-1] not in path[:-1]:
        path.append(next(target for target in following[path[-1]] if target in left))
    return path[path.index(path[-1]) :]


def _without_ends(following: Mapping[N, Sequence[N]]) -> dict[N, None]:
    """Return the nodes from which one can go on for ever."""
    left = dict.fromkeys(following)
    while ends := [node for node in left if not any(target in left for target in following[node])]:
        for node in ends:
            del left[node]
    return left
