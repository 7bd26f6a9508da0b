"""What getters read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mock_server.pipelines.catalogue import CATEGORIES, NODE_TYPES, node_count
from mock_server.pipelines.engine import run
from mock_server.pipelines.table import Table
from tests.pipelines.graphs import CHARGES, NOW, OUTPUT, chain, graph, ran, rows_of

GETTERS = [name for name, node_type in NODE_TYPES.items() if node_type.role == "getter"]
NEEDED: dict[str, Any] = {"googlesheets/readRows": {"spreadsheet_id": "budget"}}
WORDS = {"string", "number", "boolean", "date", "datetime"}
DAY = 86_400


def read(name: str, *, seed: int = 7, now: float = NOW, params: dict[str, Any] | None = None, **config: Any) -> Table:
    done = run(chain((name, {**NEEDED.get(name, {}), **config}), OUTPUT), params or {}, seed=seed, now=now)
    assert done.error is None
    assert done.table is not None
    return done.table


def created(rows: list[dict[str, Any]]) -> list[str]:
    return [row["created"] for row in rows]


def test_there_are_enough_integrations() -> None:
    assert len({name.partition("/")[0] for name in GETTERS}) >= 8


@pytest.mark.parametrize("name", GETTERS)
def test_the_same_seed_gives_the_same_rows(name: str) -> None:
    table = read(name, limit=50)
    assert 0 < table.total_rows <= 50
    assert set(table.schema.values()) <= WORDS
    assert read(name, limit=50).rows() == table.rows()
    assert read(name, limit=3).rows() == table.rows(0, 3)
    assert read(name, limit=50, seed=8).rows() != table.rows()
    assert read(name, limit=0).total_rows == 0
    assert read(name, limit=0).schema == table.schema


def test_charges_look_as_documented() -> None:
    table = read("stripe/listCharges")
    kinds = {"charge_id": "string", "amount": "number", "currency": "string", "status": "string", "created": "datetime"}
    assert kinds.items() <= table.schema.items()
    rows = table.rows()
    assert len(rows) > 1_000
    assert len({row["charge_id"] for row in rows}) == len(rows)
    assert all(row["charge_id"].startswith("ch_") and isinstance(row["amount"], int) for row in rows)
    assert {row["currency"] for row in rows} == {"usd", "eur", "gbp"}
    assert {row["status"] for row in rows} == {"succeeded", "pending", "failed"}
    assert all(row["paid"] is (row["status"] == "succeeded") for row in rows)


def test_values_are_spread_evenly() -> None:
    rows = read("database/query", rows=20_000).rows()
    counts = [sum(row["category"] == name for row in rows) for name in ("books", "games", "music", "tools")]
    assert all(4_700 < count < 5_300 for count in counts)
    assert 950 < sum(row["region"] is None for row in rows) < 1_050 + 100


@pytest.mark.parametrize("name", [name for name in GETTERS if "start_date" in NODE_TYPES[name].config.model_fields])
def test_events_are_the_latest_first_and_none_is_in_the_future(name: str) -> None:
    times = created(read(name).rows())
    now = datetime.fromtimestamp(NOW, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    assert max(times) <= now
    assert times == sorted(times, reverse=True) or name == "stripe/listCustomers"


def test_an_event_stays_what_it_is_while_time_goes_on() -> None:
    before = read("stripe/listCharges").rows()
    later = read("stripe/listCharges", now=NOW + 10 * DAY).rows()
    assert len(before) == len(later)
    assert later[80:] == before[:-80]
    assert read("stripe/listCustomers", now=NOW + 10 * DAY).rows() == read("stripe/listCustomers").rows()


def test_tables_belong_together() -> None:
    customers = {row["customer"] for row in read("stripe/listCustomers").rows()}
    assert {row["customer"] for row in read("stripe/listCharges").rows()} == customers
    products = {row["product_id"] for row in read("stripe/listProducts").rows()}
    assert {row["product_id"] for row in read("stripe/listCharges").rows()} == products
    users = {row["user"] for row in read("slack/listUsers").rows()}
    assert {row["user"] for row in read("slack/listMessages").rows()} == users
    contacts = {row["contact_id"] for row in read("hubspot/listContacts").rows()}
    assert {row["contact_id"] for row in read("hubspot/listDeals").rows()} <= contacts


def test_the_balance_is_what_the_charges_come_to() -> None:
    charges = read("stripe/listCharges", status="succeeded").rows()
    cleared = datetime.fromtimestamp(NOW - 2 * DAY, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for row in read("stripe/getBalance").rows():
        mine = [charge for charge in charges if charge["currency"] == row["currency"]]
        assert row["available"] == sum(charge["amount"] for charge in mine if charge["created"] <= cleared)
        assert row["pending"] == sum(charge["amount"] for charge in mine if charge["created"] > cleared)
    assert [row["currency"] for row in read("stripe/getBalance", currency=["usd"]).rows()] == ["usd"]
    assert read("stripe/getBalance", limit=2).total_rows == 2


def test_a_config_asks_for_some_of_the_rows() -> None:
    rows = read("stripe/listCharges", status="succeeded", currency=["eur", "gbp"], limit=40).rows()
    assert len(rows) == 40
    assert {(row["status"], row["currency"]) for row in rows} == {("succeeded", "eur"), ("succeeded", "gbp")}
    assert {row["active"] for row in read("stripe/listProducts", active=False).rows()} <= {False}
    assert read("stripe/listCharges", status="lost").total_rows == 0


@pytest.mark.parametrize(
    ("params", "first", "last"),
    [
        ({"date_range": "last_30_days"}, "2023-12-16T10:35:00", "2024-01-15T10:35:00"),
        ({"date_range": "last_48_hours"}, "2024-01-13T10:35:00", "2024-01-15T10:35:00"),
        ({"date_range": "last_1_week"}, "2024-01-08T10:35:00", "2024-01-15T10:35:00"),
        ({"date_range": "today"}, "2024-01-15T00:00:00", "2024-01-15T10:35:00"),
        ({"date_range": "yesterday"}, "2024-01-14T00:00:00", "2024-01-14T23:59:59"),
        ({"date_range": "this_month"}, "2024-01-01T00:00:00", "2024-01-15T10:35:00"),
        ({"date_range": "last_month"}, "2023-12-01T00:00:00", "2023-12-31T23:59:59"),
        ({"date_range": "this_year"}, "2024-01-01T00:00:00", "2024-01-15T10:35:00"),
        ({"date_range": "all_time"}, "2022-12-01T00:00:00", "2024-01-15T10:35:00"),
        ({"start_date": "2023-11-01", "end_date": "2023-11-30"}, "2023-11-01T00:00:00", "2023-11-30T23:59:59"),
        ({"end_date": "2023-11-30T12:00:00+02:00"}, "2022-12-01T00:00:00", "2023-11-30T10:00:00"),
        ({"start_date": "2024-01-10"}, "2024-01-10T00:00:00", "2024-01-15T10:35:00"),
    ],
)
def test_a_range_of_time(params: dict[str, Any], first: str, last: str) -> None:
    everything = created(read("stripe/listCharges").rows())
    found = created(read("stripe/listCharges", params=params).rows())
    assert found == [at for at in everything if first <= at[:19] <= last]
    assert found
    assert created(read("stripe/listCharges", **params).rows()) == found


def test_parameters_take_the_place_of_settings() -> None:
    assert read("stripe/listCharges", limit=50, params={"limit": 5}).total_rows == 5
    asked = read("stripe/listCharges", status="failed", params={"status": "pending", "unknown": 1}).rows()
    assert {row["status"] for row in asked} == {"pending"}
    kept = read("stripe/listCharges", start_date="2024-01-01", params={"date_range": "last_30_days"})
    assert kept.rows() == read("stripe/listCharges", date_range="last_30_days").rows()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"limit": "ten"}, "Invalid config field limit"),
        ({"limit": -1}, "Invalid config field limit"),
        ({"start_date": "soon"}, "Invalid config field start_date: must be a date"),
        ({"start_date": 5}, "Invalid config field start_date"),
        ({"date_range": "ever"}, "Invalid config field date_range: must be last_N_days"),
        ({"status": "\ud800"}, "Invalid config: text must be valid Unicode"),
    ],
)
def test_a_wrong_parameter_is_a_failed_run(params: dict[str, Any], message: str) -> None:
    done = ran(chain(CHARGES, OUTPUT), **params)
    assert done.status == "failed"
    assert done.error is not None
    assert done.error.startswith(f"Step 1 (node 1): {message}")


def test_rows_from_elsewhere() -> None:
    jobs = Table.of([{"job_id": "a", "status": "failed"}, {"job_id": "b", "status": "completed"}])
    one = chain(("vantage/listJobs", {"status": "failed"}), OUTPUT)
    assert rows_of(ran(one, {"vantage/listJobs": jobs})) == [{"job_id": "a", "status": "failed"}]
    done = ran(chain(("vantage/listJobs", {"cluster": "x"}), OUTPUT), {"vantage/listJobs": jobs})
    assert done.error == "Step 1 (node 1): Unknown column: cluster (there are job_id, status)"
    done = ran(chain(("vantage/listJobs", {"date_range": "today"}), OUTPUT), {"vantage/listJobs": jobs})
    assert done.error == "Step 1 (node 1): Unknown column: created (there are job_id, status)"
    assert len(rows_of(ran(chain(("vantage/listClusters", {}), OUTPUT), {"vantage/listJobs": jobs}))) == 3


def test_a_query_has_as_many_rows_as_it_is_asked_for() -> None:
    assert read("database/query").total_rows == 1_000
    table = read("database/query", rows=12_345)
    assert table.total_rows == 12_345
    assert table.rows(12_344)[0]["id"] == 12_345
    assert read("database/query", rows=12_345, region="north", limit=10).total_rows == 10
    assert read("database/query", table="other").rows() != read("database/query").rows()
    assert set(table.schema.values()) == WORDS


def test_a_getter_may_wait_for_another() -> None:
    assert len(rows_of(ran(graph([CHARGES, ("stripe/getBalance", {}), OUTPUT], (1, 2), (2, 3))))) == 3


def test_the_catalogue_is_as_documented() -> None:
    stripe = [one for one in CATEGORIES if one.name == "Stripe"]
    assert [(one.id, node_count(one)) for one in stripe] == [(15, 8)]
    charges, balance = NODE_TYPES["stripe/listCharges"], NODE_TYPES["stripe/getBalance"]
    assert (charges.label, charges.description) == ("List Charges", "Retrieve a list of charges from Stripe")
    assert (balance.label, balance.description) == ("Get Balance", "Retrieve the current Stripe account balance")
    for one in (charges, balance):
        assert (one.role, one.inputs, one.outputs) == ("getter", ("input1",), ("output1",))
        assert one.requires_credential
    assert len({one.id for one in CATEGORIES}) == len({one.name for one in CATEGORIES}) == len(CATEGORIES)
    assert sum(node_count(one) for one in CATEGORIES) == len(NODE_TYPES)
    assert list(NODE_TYPES) == sorted(NODE_TYPES)
    assert all(
        name == one.name and one.description and one.config.model_json_schema() for name, one in NODE_TYPES.items()
    )
