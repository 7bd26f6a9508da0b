"""The models of teams, users, billing, monitoring and webhooks have the fields that the contract proposes, and keep its examples."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.contract.reference import reference_data
from tests.support import platform_samples as samples
from vantage_sdk import (
    ClusterMetrics,
    Invoice,
    JobMetrics,
    MetricPoint,
    Team,
    TeamMember,
    UsageItem,
    UsageSummary,
    User,
    WebhookSubscription,
)
from vantage_sdk.models.base import Model
from vantage_sdk.platform.sorting import SORTS
from vantage_sdk.platform.teams import ROLES

SAMPLES: dict[str, tuple[type[Model], dict[str, Any]]] = {
    "Team": (Team, samples.TEAM),
    "TeamMember": (TeamMember, samples.MEMBER),
    "User": (User, samples.USER),
    "UsageSummary": (UsageSummary, samples.USAGE),
    "UsageItem": (UsageItem, samples.LINES[0]),
    "Invoice": (Invoice, samples.DETAIL),
    "MetricPoint": (MetricPoint, samples.POINTS[0]),
    "JobMetrics": (JobMetrics, samples.JOB_METRICS),
    "ClusterMetrics": (ClusterMetrics, samples.CLUSTER_METRICS),
    "Webhook": (WebhookSubscription, samples.WEBHOOK),
}


def platform() -> Any:
    return reference_data("endpoints.yaml")["families"]["platform"]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_model_keeps_an_example_exactly(name: str, caplog: pytest.LogCaptureFixture) -> None:
    model, sample = SAMPLES[name]
    with caplog.at_level(logging.DEBUG):
        read = model.from_dict(sample)
    assert json.dumps(read.to_dict()) == json.dumps(sample)
    assert (read.extra, caplog.messages) == ({}, [])
    assert model.from_dict(json.loads(json.dumps(read.to_dict()))) == read


@pytest.mark.parametrize("name", SAMPLES)
def test_the_examples_are_those_of_the_contract(name: str) -> None:
    model, sample = SAMPLES[name]
    fields = platform()["models"][name]["fields"]
    assert sample.keys() == fields.keys()
    assert fields.keys() <= model.model_fields.keys()
    assert model.model_fields.keys() - fields.keys() <= {"secret"}
    for field, facts in fields.items():
        if "example" in facts:
            assert (field, sample[field]) == (field, facts["example"])


def test_the_words_are_those_of_the_contract() -> None:
    family = platform()
    assert [*ROLES] == family["models"]["TeamMemberAdd"]["fields"]["role"]["enum"]
    words = family["common_parameters"]["sorting"]["sort"]["enum"]
    assert {*words} == {*SORTS, *(f"-{word}" for word in SORTS)}
