"""The pages of the other services have every method with its parameters, and every setting of their clients."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.contract.nouns import PAGES, SERVICES
from tests.docs.blocks import ROOT
from tests.docs.test_docs import own, parameters_of, public
from vantage_sdk import JobServiceClient, S9SClient, VantageClient
from vantage_sdk.jobservice.jobs import JobServiceFilters

CASES = [(service, noun, cls) for service, nouns in SERVICES.items() for noun, cls in nouns.items()]
ELSEWHERE = {"events": "docs/events.md"}


def documented(page: str, noun: str) -> dict[str, list[str]]:
    """Return the methods in the tables of a page with the names of their parameters."""
    rows = re.findall(
        rf"^\| `(?:s9s\.)?{noun}\.(\w+)\(([^`]*)\)` \|", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE
    )
    return {name: sorted(part.strip() for part in given.split(",") if part.strip()) for name, given in rows}


@pytest.mark.parametrize(("service", "noun", "cls"), CASES)
def test_the_page_has_every_method_with_its_parameters(service: str, noun: str, cls: type[Any]) -> None:
    expected = {name: sorted(parameters_of(getattr(cls, name))) for name in public(cls)}
    assert documented(ELSEWHERE.get(noun, PAGES[service]), noun) == expected


def test_the_page_of_the_job_service_has_its_filters() -> None:
    text = (ROOT / PAGES["jobservice"]).read_text(encoding="utf-8")
    assert [name for name in own(JobServiceFilters) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("kind", [JobServiceClient, S9SClient])
def test_every_setting_of_their_clients_is_in_the_configuration_page(kind: type[Any]) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    section = text.partition("## The job service and S9S")[2].partition("\n## ")[0]
    common = {*parameters_of(VantageClient.__init__)}
    for name in parameters_of(kind.__init__):
        shown = f"`{name}`" if name in common - {"base_url", "api_key"} else f"{name}=..."
        assert shown in section, name
