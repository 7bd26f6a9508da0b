"""Usage and invoices over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from mock_server.world.invoices import Month
from mock_server.world.prices import PRICES, line

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mock_server import MockServer

DAY = 86_400.0
FEBRUARY = Month(2024, 2)


def quantities(body: dict[str, Any]) -> dict[str, float]:
    return {item["resource"]: item["quantity"] for item in body.get("items", body.get("line_items"))}


def test_usage_of_the_running_month(client: httpx.Client) -> None:
    # By hand, from the seeded jobs: their cores, GPUs and gigabytes times their seconds.
    cpu = 2 * 390 + 4 * 10 + 4 * 240 + 2 * 30 + 2 * 20 + 2 * 1495 + 8 * 3570 + 32 * 8130 + 8 * 890
    gpu = 240 + 1495 + 4 * 8130
    memory = 4 * 390 + 8 * 10 + 8 * 240 + 4 * 30 + 4 * 20 + 8 * 1.024**3 * 1495 + 16 * 3570 + 128 * 8130 + 16 * 890
    usage = client.get("/v1/billing/usage").json()
    assert (usage["period_start"], usage["period_end"]) == ("2024-01-01T00:00:00Z", "2024-01-15T10:35:00Z")
    assert usage["currency"] == "USD"
    found = quantities(usage)
    assert found["cpu_hours"] == pytest.approx(cpu / 3600, abs=1e-6)
    assert found["gpu_hours"] == pytest.approx(gpu / 3600, abs=1e-6)
    assert found["memory_gb_hours"] == pytest.approx(memory / 3600, abs=1e-6)
    assert usage["total_cost"] == pytest.approx(sum(item["cost"] for item in usage["items"]))
    assert [(item["resource"], item["unit"]) for item in usage["items"]] == [
        ("cpu_hours", "hour"),
        ("gpu_hours", "hour"),
        ("memory_gb_hours", "gb_hour"),
        ("storage_gb_months", "gb_month"),
    ]


@pytest.mark.parametrize(
    ("query", "start", "end", "gpu_hours"),
    [
        ("created_after=2024-01-15T10:33:00Z", "2024-01-15T10:33:00Z", "2024-01-15T10:35:00Z", 120 * (1 + 1 + 4)),
        ("created_before=2024-01-15T10:32:00Z", "2024-01-01T00:00:00Z", "2024-01-15T10:32:00Z", 60 + 1315 + 4 * 7950),
        (
            "updated_after=2024-01-15T10:32:00Z&updated_before=2024-01-15T10:32:30Z",
            "2024-01-15T10:32:00Z",
            "2024-01-15T10:32:30Z",
            30 * (1 + 1 + 4),
        ),
        (
            "created_after=0001-01-01&created_before=9999-12-31",
            "0001-01-01T00:00:00Z",
            "9999-12-31T00:00:00Z",
            240 + 1495 + 4 * 8130,
        ),
        ("created_before=9999-12-31", "2024-01-01T00:00:00Z", "9999-12-31T00:00:00Z", 240 + 1495 + 4 * 8130),
        ("created_after=2024-03-01", "2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z", 0),
        ("created_before=2020-01-05", "2020-01-01T00:00:00Z", "2020-01-05T00:00:00Z", 0),
    ],
)
def test_usage_of_a_period(client: httpx.Client, query: str, start: str, end: str, gpu_hours: float) -> None:
    usage = client.get(f"/v1/billing/usage?{query}").json()
    assert (usage["period_start"], usage["period_end"]) == (start, end)
    assert quantities(usage)["gpu_hours"] == pytest.approx(gpu_hours / 3600, abs=1e-6)
    assert len(usage["items"]) == 4


@pytest.mark.parametrize("query", ["created_after=x", "limit=5", "sort=name", "cluster_id=cluster_123"])
def test_usage_refuses_nonsense(client: httpx.Client, query: str) -> None:
    assert client.get(f"/v1/billing/usage?{query}").status_code == 400


def test_the_life_of_an_invoice(server: MockServer, client: httpx.Client) -> None:
    draft = client.get("/v1/billing/invoices/inv_123").json()
    assert quantities(draft) == quantities(client.get("/v1/billing/usage").json())
    assert (draft["number"], draft["status"], draft["due_at"]) == ("INV-2024-01", "draft", None)
    assert (draft["period_start"], draft["period_end"]) == ("2024-01-01T00:00:00Z", "2024-01-31T23:59:59Z")
    server.run_until_idle()
    server.advance(FEBRUARY.start - server.now() - 1)
    last = client.get("/v1/billing/invoices/inv_123").json()
    assert last["status"] == "draft"
    server.advance(1)
    issued = client.get("/v1/billing/invoices/inv_123").json()
    assert (issued["status"], issued["issued_at"], issued["due_at"]) == (
        "open",
        "2024-02-01T00:00:00Z",
        "2024-02-15T00:00:00Z",
    )
    for name in ("cpu_hours", "gpu_hours", "memory_gb_hours"):
        assert quantities(issued)[name] == quantities(last)[name]
    server.advance(14 * DAY - 1)
    assert client.get("/v1/billing/invoices/inv_123").json() == issued
    server.advance(1)
    assert client.get("/v1/billing/invoices/inv_123").json() == {**issued, "status": "paid"}


def test_the_list(server: MockServer, client: httpx.Client) -> None:
    client.post("/v1/jobs", json={"name": "n", "command": "sleep 60d"})
    server.advance(80 * DAY)
    page = client.get("/v1/billing/invoices").json()
    numbers = [invoice["number"] for invoice in page["invoices"]]
    assert numbers == ["INV-2024-04", "INV-2024-03", "INV-2024-02", "INV-2024-01"]
    assert [invoice["status"] for invoice in page["invoices"]] == ["draft", "open", "paid", "paid"]
    assert len({invoice["id"] for invoice in page["invoices"]}) == 4
    assert (page["total"], page["page"], page["per_page"]) == (4, 1, 50)
    for invoice in page["invoices"]:
        detail = client.get(f"/v1/billing/invoices/{invoice['id']}").json()
        lines = detail.pop("line_items")
        assert detail == invoice
        assert Decimal(str(invoice["amount"])) == sum(Decimal(str(item["cost"])) for item in lines)
    for query, expected in (
        ("sort=name", numbers[::-1]),
        ("limit=1&page=2", numbers[1:2]),
        ("created_after=2024-03-01", numbers[:2]),
        ("created_before=2024-03-01", numbers[3:]),
        ("updated_after=2024-04-01", numbers[:1]),
    ):
        found = client.get(f"/v1/billing/invoices?{query}").json()["invoices"]
        assert [invoice["number"] for invoice in found] == expected


def test_without_use_there_is_no_invoice(
    make_server: Callable[..., MockServer], make_client: Callable[..., Any]
) -> None:
    server = make_server(world="empty")
    client = make_client(server)
    server.advance(100 * DAY)
    assert client.get("/v1/billing/invoices").json()["total"] == 0
    assert client.get("/v1/billing/usage").json()["total_cost"] == 0
    client.post("/v1/jobs", json={"name": "n", "command": "sleep 60"})
    server.advance(61)
    assert [one["number"] for one in client.get("/v1/billing/invoices").json()["invoices"]] == ["INV-2024-04"]


def test_an_unknown_invoice_is_not_found(client: httpx.Client) -> None:
    response = client.get("/v1/billing/invoices/inv_1")
    assert (response.status_code, response.json()["details"]) == (404, {"resource": "invoice", "id": "inv_1"})


def test_a_deleted_job_stays_on_the_bill(server: MockServer, client: httpx.Client) -> None:
    before = quantities(client.get("/v1/billing/usage").json())["cpu_hours"]
    client.delete("/v1/jobs/job_121")
    assert quantities(client.get("/v1/billing/usage").json())["cpu_hours"] == before


@pytest.mark.parametrize("kept", [False, True])
def test_stored_bytes_cost_while_they_are_there(
    make_server: Callable[..., MockServer], make_client: Callable[..., Any], tmp_path: Any, kept: bool
) -> None:
    server = make_server(world="empty", state=tmp_path / "state" if kept else None)
    client = make_client(server)
    start = server.now()
    server.storage.put("/a", b"x" * 3_000_000)
    server.advance(2 * DAY)
    server.storage.put("/a", b"x" * 1_000_000)
    server.storage.put("/b", b"x" * 500_000)
    server.advance(3 * DAY)
    server.storage.delete("/a")
    server.advance(FEBRUARY.start + 10 * DAY - server.now())
    days = (FEBRUARY.start - start) / DAY
    january = (3e6 * 2 + 1.5e6 * 3 + 0.5e6 * (days - 5)) / 1e9 / 31
    assert quantities(client.get("/v1/billing/invoices/inv_123").json()) == {
        "cpu_hours": 0,
        "gpu_hours": 0,
        "memory_gb_hours": 0,
        "storage_gb_months": pytest.approx(january, abs=1e-6),
    }
    whole = client.get("/v1/billing/usage?created_after=2000-01-01").json()
    assert quantities(whole)["storage_gb_months"] == pytest.approx(january + 0.5e6 * 10 / 1e9 / 29, abs=2e-6)


def test_files_of_an_older_directory_are_booked_from_their_times(
    make_server: Callable[..., MockServer], make_client: Callable[..., Any], tmp_path: Any
) -> None:
    first = make_server(world="empty", state=tmp_path)
    first.storage.put("/a", b"x" * 3_000_000)
    first.app.state.storage.catalogue.connection.execute("DROP TABLE sizes")
    first.stop()
    second = make_server(world="empty", state=tmp_path)
    second.advance(DAY)
    found = quantities(make_client(second).get("/v1/billing/usage").json())
    assert found["storage_gb_months"] == pytest.approx(3e6 / 1e9 / 31, abs=1e-6)


def test_money_is_rounded_once() -> None:
    cpu = PRICES[0]
    for amount, quantity, cost in (
        (0.125, "0.125000", "0.00"),
        (0.1249999996, "0.125000", "0.00"),
        (0.1250004, "0.125000", "0.00"),  # whoever multiplies what is shown gets what is billed
        (1.125, "1.125000", "0.04"),
        (1.375, "1.375000", "0.06"),  # 0.055: to the even cent
        (1.625, "1.625000", "0.06"),  # 0.065
        (1e6 / 3, "333333.333333", "13333.33"),
    ):
        found = line(cpu, amount)
        assert (str(found.quantity), str(found.cost)) == (quantity, cost)


def test_months_follow_one_another() -> None:
    assert str(Month.of(FEBRUARY.start - 0.001)) == "2024-01"
    assert Month.of(FEBRUARY.start) == FEBRUARY
    assert Month(2023, 12).next() == Month(2024, 1)
    assert (FEBRUARY.end - FEBRUARY.start) / DAY == 29
