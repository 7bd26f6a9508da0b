"""Contacts and deals of a HubSpot account."""

from __future__ import annotations

from functools import partial

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.node_type import Category
from mock_server.pipelines.sources.draws import Draws, tokens
from mock_server.pipelines.sources.getters import entities_of, events_of, getter
from mock_server.pipelines.sources.reading import DAY, Reading, TimedReading, Wanted

HUBSPOT = Category(8, "HubSpot")
CONTACTS = 120


class Contacts(Reading):
    lifecycle_stage: Wanted = None
    country: Wanted = None


class Deals(TimedReading):
    stage: Wanted = None
    pipeline: Wanted = None


def _contact(draws: Draws) -> dict[str, pl.Series]:
    label = draws.numbers.cast(pl.String)
    return {
        "contact_id": draws.tokens("id", "con_"),
        "name": pl.select(pl.lit("Contact ") + label).to_series(),
        "email": pl.select(pl.lit("contact") + label + pl.lit("@example.com")).to_series(),
        "company": pl.select(pl.lit("Company ") + draws.below("company", 30).cast(pl.String)).to_series(),
        "country": draws.choice("country", "US", "DE", "GB", "FR", "JP"),
        "lifecycle_stage": draws.choice("stage", "lead", "lead", "opportunity", "customer"),
        "score": draws.sometimes("scored", 80, draws.below("score", 101)),
    }


def _deal(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    return {
        "deal_id": draws.tokens("id", "deal_"),
        "contact_id": tokens(draws.seed, "hubspot.contacts.id", draws.below("contact", CONTACTS), "con_"),
        "amount": draws.between("amount", 10, 900) * 100,
        "stage": draws.choice("stage", "qualified", "proposal", "closed_won", "closed_won", "closed_lost"),
        "pipeline": draws.choice("pipeline", "default", "default", "partners"),
        "created": times,
        "close_date": times.dt.offset_by("45d").cast(pl.Date),
    }


_type = partial(getter, HUBSPOT, "hubspot")

NODE_TYPES = (
    _type(
        *("listContacts", "List Contacts", "contacts from HubSpot", Contacts),
        entities_of("hubspot", "contacts", CONTACTS, _contact),
    ),
    _type("listDeals", "List Deals", "deals from HubSpot", Deals, events_of("hubspot", "deals", DAY // 2, _deal)),
)
