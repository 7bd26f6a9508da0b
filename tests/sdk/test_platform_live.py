"""Teams, users, billing, monitoring and webhooks of the client against the server."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from mock_server import MockServer
from tests.server.receiver import Receiver
from tests.support.faces import Face
from vantage_sdk import (
    ClusterScaled,
    ConflictError,
    JobCancelled,
    JobCompleted,
    JobCreated,
    JobFailed,
    ResourceNotFoundError,
    ValidationError,
    Webhook,
    WebhookVerificationError,
)

HOURS = 3600


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(clock="manual", rate_limits=False, check_invariants=True) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


async def test_teams_and_their_members(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        teams = await client.teams.list()
        team = await client.teams.get(teams[0].id)
        before = [member.user_id async for member in client.teams.members_all(team.id)]
        new = "user_458" if "user_458" not in before else "user_457"
        if new in before:
            await client.teams.remove_member(team.id, new)
        added = await client.teams.add_member(team.id, new, role="viewer")
        assert (added.user_id, added.role) == (new, "viewer")
        with pytest.raises(ConflictError):
            await client.teams.add_member(team.id, new)
        assert (await client.teams.get(team.id)).member_count == len({*before, new})
        await client.teams.remove_member(team.id, new)
        with pytest.raises(ResourceNotFoundError):
            await client.teams.members("team_none")


async def test_the_own_profile_and_jobs(face: Face, server: MockServer) -> None:
    async with face.client(server.url) as client:
        me = await client.users.me()
        changed = await client.users.update_me(name="New Name")
        assert (me.name == changed.name, changed.name, (await client.users.me()).name) == (
            False,
            "New Name",
            "New Name",
        )
        with pytest.raises(ValidationError):
            await client.users.update_me(email="no address")
        assert (await client.users.me()).email == me.email
        mine = [job.id async for job in client.users.jobs_all("me", status="running")]
        assert mine == [job.id async for job in client.jobs.list_all(status="running")]


async def test_what_was_used_is_what_is_billed(face: Face, server: MockServer) -> None:
    """CPU hours of the jobs, the cluster, the summary and the invoice are the same."""
    async with face.client(server.url) as client:
        begun = (await client.clusters.get("my-cluster")).created_at
        job = await client.jobs.submit(
            {"name": "train", "command": "sleep 7200", "resources": {"cpus": 4, "memory": "8GB"}}, cluster="my-cluster"
        )
        server.advance(3 * HOURS)
        job = await client.jobs.get(job.id)
        hours = 4 * (job.completed_at - job.started_at).total_seconds() / HOURS
        assert round(hours, 3) == 8
        usage = await client.clusters.usage("my-cluster", created_after=job.started_at, created_before=job.completed_at)
        assert usage.cpu_hours >= hours
        series = await client.monitoring.job_metrics(job.id)
        # A job that only sleeps has its CPUs, but uses next to nothing of them.
        assert {point.cpu_percent for point in series.metrics} == {0.1}
        assert len(series.to_pandas()) == len(series.metrics)
        chosen = await client.monitoring.job_metrics(job.id, metrics=["cpu_percent"])
        assert {(point.cpu_percent, point.memory_percent, point.gpu_percent) for point in chosen.metrics} == {
            (0.1, None, None)
        }
        load = await client.monitoring.cluster_metrics("my-cluster", metrics=["cpu_percent", "memory_percent"])
        assert all(None not in {point.cpu_percent, point.memory_percent} for point in load.metrics)
        total = await client.billing.usage(created_after=begun)
        invoices = [invoice async for invoice in client.billing.invoices_all()]
        whole = [await client.billing.invoice(invoice.id) for invoice in invoices]
        lines = [line for invoice in whole for line in invoice.line_items]
        assert all(isinstance(line.cost, Decimal) for line in lines)
        assert all(sum(line.cost for line in invoice.line_items) == invoice.amount for invoice in whole)
        used = {item.resource: item.quantity for item in total.items}
        assert used["cpu_hours"] > hours


async def test_deliveries_are_what_the_client_verifies(face: Face, server: MockServer, receiver: Receiver) -> None:
    secret, events = Webhook.new_secret(), ["job.created", "job.completed", "job.failed", "job.cancelled"]
    async with face.client(server.url) as client:
        subscription = await client.webhooks.create(receiver.url, [*events, "cluster.scaled"], secret=secret)
        good = await client.jobs.submit({"name": "good", "command": "true"})
        bad = await client.jobs.submit({"name": "bad", "command": "exit 3"})
        late = await client.jobs.submit({"name": "late", "command": "sleep 99"})
        server.advance(1)
        await client.jobs.cancel(late.id)
        await client.clusters.scale("my-cluster", nodes=6)
        server.run_until_idle()
        server.webhooks.settle()
        assert subscription.id in [one.id for one in await client.webhooks.list()]
    webhook = Webhook(secret)
    told = [webhook.unwrap(message.body, message.headers) for message in receiver.messages]
    ours = [(type(event), event.data.id) for event in told if event.data.id in (good.id, bad.id, late.id)]
    assert {*ours} >= {(JobCreated, good.id), (JobCompleted, good.id), (JobFailed, bad.id), (JobCancelled, late.id)}
    assert any(isinstance(event, ClusterScaled) and event.data.name == "my-cluster" for event in told)
    with pytest.raises(WebhookVerificationError):
        webhook.unwrap(receiver.messages[0].body + b" ", receiver.messages[0].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(Webhook.new_secret()).unwrap(receiver.messages[0].body, receiver.messages[0].headers)


async def test_a_new_secret_is_valid_beside_the_old_one(face: Face, server: MockServer, receiver: Receiver) -> None:
    old, new = Webhook.new_secret(), Webhook.new_secret()
    async with face.client(server.url) as client:
        subscription = await client.webhooks.create(receiver.url, ["job.created"], secret=old)
        await client.webhooks.update(subscription.id, secret=new)
        await client.jobs.submit({"name": "x", "command": "true"})
        server.webhooks.settle()
        [message] = receiver.messages
        for secret in (old, new, [new, old]):
            assert Webhook(secret).unwrap(message.body, message.headers).webhook_id == message.id
        await client.webhooks.delete(subscription.id)
        with pytest.raises(ResourceNotFoundError):
            await client.webhooks.update(subscription.id, active=False)
