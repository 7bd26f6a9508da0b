"""What an AI job runs, and what it asks for: functions of what the caller sent and of nothing else."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mock_server.jobservice.commands import command_line, model_name
from mock_server.jobservice.job_requests import CpuText, MemoryText
from mock_server.jobservice.quantities import amount, cores, size

IMAGE = "registry.example.com/team/pytorch-inference:v1.0"


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({}, "run-model --batches 100 --seconds 30 -- pytorch-inference"),
        ({"model": "resnet50", "batch_size": 32}, "run-model --batches 100 --seconds 30 -- resnet50"),
        ({"batches": 7, "duration_seconds": 1.5}, "run-model --batches 7 --seconds 1.5 -- pytorch-inference"),
        ({"epochs": 3, "batches": 7}, "run-model --epochs 3 --seconds 30 -- pytorch-inference"),
        ({"model": "it's; rm"}, """run-model --batches 100 --seconds 30 -- 'it'"'"'s; rm'"""),
        ({"command": "echo hi; exit 3"}, "echo hi; exit 3"),
        ({"command": ["echo", "a b"]}, "echo 'a b'"),
    ],
)
def test_the_settings_decide(config: dict[str, Any], line: str) -> None:
    assert command_line(IMAGE, config) == line


@pytest.mark.parametrize(
    "config",
    [
        {"command": ""},
        {"command": []},
        {"command": ["echo", 1]},
        {"command": {"run": "x"}},
        {"model": 5},
        {"model": " "},
        {"batches": True},
        {"batches": 0},
        {"batches": "7"},
        {"batches": 10**10},
        {"epochs": -1},
        {"duration_seconds": "long"},
        {"duration_seconds": False},
        {"duration_seconds": -1},
        {"duration_seconds": 1e300},
        {"duration_seconds": float("nan")},
    ],
)
def test_settings_of_other_types_mean_nothing_here(config: dict[str, Any]) -> None:
    assert command_line(IMAGE, config) == command_line(IMAGE, {})


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("a", "a"),
        ("a:1", "a"),
        ("r.example:5000/x/a:1", "a"),
        ("a@sha256:00", "a"),
        (":1", ":1"),
        ("m" * 255, "m" * 200),
    ],
)
def test_an_image_has_a_bare_name(image: str, name: str) -> None:
    assert model_name(image, {}) == name


# Quantities

SUFFIXES = {
    "": 1,
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "k": 10**3,
    "K": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "E": 10**18,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
    "Ei": 2**60,
    "e3": 1000,
    "E-2": Fraction(1, 100),
    "e+1": 10,
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_is_exact(suffix: str) -> None:
    text = f"1.5{suffix}"
    assert amount(text) == Fraction(3, 2) * SUFFIXES[suffix]
    if "e" not in suffix.lower() or suffix in ("E", "Ei"):
        assert TypeAdapter(MemoryText).validate_python(text) == text


@pytest.mark.parametrize(("text", "whole"), [("2", 2), ("500m", 1), ("1100m", 2), ("0", 1), ("0.1", 1), ("2.0", 2)])
def test_cores_are_rounded_up(text: str, whole: int) -> None:
    assert cores(text) == whole


@pytest.mark.parametrize(
    ("text", "whole"), [("8Gi", 8 * 2**30), ("8GB", 8 * 10**9), ("8GiB", 8 * 2**30), ("1m", 1), ("0B", 0)]
)
def test_bytes_are_rounded_up(text: str, whole: int) -> None:
    assert size(text) == whole


@pytest.mark.parametrize(
    "text", ["", "Gi", "-1", "1.", ".5", "1 Gi", "1gi", "1X", "1e", "1e1000", "1" * 16, "1Gib", "1mB", "\uff11", "1\n"]
)
def test_other_texts_are_no_quantities(text: str) -> None:
    for kind in (CpuText, MemoryText):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(text)
    if text != "1mB":
        with pytest.raises(ValueError, match="is not a quantity"):
            amount(text)


def test_cores_are_no_bytes() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(CpuText).validate_python("2B")
