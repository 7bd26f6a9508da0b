"""The page about node types says what there is."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from mock_server.pipelines.catalogue import NODE_TYPES
from mock_server.pipelines.expressions.signatures import SIGNATURES
from mock_server.pipelines.expressions.syntax import MAX_DEPTH, MAX_LENGTH, MAX_NODES
from mock_server.pipelines.operators.aggregating import Function
from mock_server.pipelines.operators.filtering import Operator
from mock_server.pipelines.sources.reading import TimedReading
from mock_server.pipelines.table import MAX_ROWS
from mock_server.pipelines.terminators import MAX_EXPORT
from tests.contract.reference import ROOT

PAGE = (ROOT / "docs" / "node-types.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+/\w+)` \|(.*)\|$", PAGE, re.MULTILINE))
WORDS = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))


def test_every_node_type_has_a_row() -> None:
    assert ROWS.keys() == NODE_TYPES.keys()


@pytest.mark.parametrize("name", NODE_TYPES)
def test_a_row_has_the_settings(name: str) -> None:
    config = NODE_TYPES[name].config
    shared = set(TimedReading.model_fields) if NODE_TYPES[name].role == "getter" else set[str]()
    for field in config.model_fields:
        assert field in shared or f"`{field}`" in ROWS[name], field
    assert ("◷" in ROWS[name]) is issubclass(config, TimedReading)


def test_words_and_numbers_are_those_of_the_code() -> None:
    assert {*SIGNATURES, *get_args(Operator), *get_args(Function), *TimedReading.model_fields} - WORDS == set()
    for number in (
        f"{MAX_ROWS:,}",
        f"{MAX_EXPORT:,}",
        f"{MAX_LENGTH} characters",
        f"{MAX_NODES} parts",
        f"{MAX_DEPTH} levels",
    ):
        assert number in PAGE
