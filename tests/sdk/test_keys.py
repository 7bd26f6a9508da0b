"""API keys and node types."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.envelopes import enveloped, example
from tests.support.faces import Face
from tests.support.scripted import Json, Reset, ScriptedServer
from vantage_sdk import ApiKeyCreated, SubmitOutcomeUnknown, VantageAPIError

CREATED, LIST = example("keys_create.response"), example("keys_list.response")
FULL = CREATED["full_key"]


async def test_the_value_of_a_new_key_is_hidden_until_it_is_asked_for(
    face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedServer(lambda request, connection: Json(201, CREATED)) as server:
        async with face.client(server.url) as client:
            with caplog.at_level(logging.DEBUG):
                created = await client.keys.create(
                    "My Production Key",
                    scope_level="user",
                    scopes=["workflows:read", "workflows:execute"],
                    expires_at=datetime(2027, 1, 1, tzinfo=UTC),
                )
                raw = await client.with_raw.keys.create("n")
    sent = server.requests[0].json()
    assert {**sent, "expires_at": "2027-01-01T00:00:00.000Z"} == example("keys_create.request")
    assert sent["expires_at"] == "2027-01-01T00:00:00Z"
    assert server.requests[1].json() == {"name": "n"}
    assert created.full_key.reveal() == FULL
    assert (created.key.id, created.key.key_prefix, created.key.is_active) == (12, "vntg_abc1", None)
    assert created.to_dict() == {name: CREATED[name] for name in ("key", "full_key")}
    assert ApiKeyCreated.from_dict(created.to_dict()) == created == copy.deepcopy(created)
    shown = [repr(created), str(created), f"{created}", repr(vars(created)), repr(raw), *caplog.messages]
    shown += [
        repr(created.full_key),
        str(created.full_key),
        repr(created.extra),
        created.model_dump_json(exclude={"full_key"}),
    ]
    assert [text for text in shown if FULL in text or FULL[9:] in text] == []
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(created)


@pytest.mark.parametrize("odd", [{"full_key": FULL, "key": 7}, {"full_key": FULL}, {"full_key": 7, "key": {}}, {}])
def test_odd_answers_show_the_value_no_more_than_good_ones(
    odd: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    created = ApiKeyCreated.from_dict(odd)
    assert created.to_dict() == odd
    assert FULL not in repr(created) + "".join(caplog.messages)
    with pytest.raises(ValueError, match="expected a JSON object") as caught:
        ApiKeyCreated.from_dict([FULL])  # type: ignore[arg-type]
    assert FULL not in "".join(traceback.format_exception(caught.value))


async def test_a_key_is_not_created_twice(face: Face) -> None:
    with ScriptedServer([Reset()]) as server:
        async with face.client(server.url) as client:
            with pytest.raises(SubmitOutcomeUnknown):
                await client.keys.create("n")
    assert len(server.requests) == 1


async def test_the_documented_list_is_read(face: Face) -> None:
    with ScriptedServer([Json(200, LIST), enveloped({"keys": []}), Json(200, {"success": True})]) as server:
        async with face.client(server.url) as client:
            page, empty = await client.keys.list(), await client.keys.list()
            with pytest.raises(VantageAPIError, match="no list under 'keys'"):
                await client.keys.list()
    assert [key.to_dict() for key in page] == LIST["keys"]
    assert (page.total, page.has_next, page[0].is_active) == (1, False, True)
    assert page[0].last_used_at == datetime(2026, 4, 29, 11, 30, tzinfo=UTC)
    assert (len(empty), empty.meta.request_id) == (0, "req_1")


@pytest.mark.parametrize(
    "reply", [{"key": LIST["keys"][0]}, {"data": {"key": LIST["keys"][0]}}, {"data": LIST["keys"][0]}]
)
async def test_the_answer_to_a_change_is_the_key_wherever_it_is(face: Face, reply: dict[str, Any]) -> None:
    with ScriptedServer([Json(200, {"success": True, **reply})]) as server:
        async with face.client(server.url) as client:
            key = await client.keys.update(12, **example("keys_update.request"))
    assert (server.requests[0].method, server.requests[0].path) == ("PATCH", "/api/v1/keys/12")
    assert server.requests[0].json() == example("keys_update.request")
    assert key.to_dict() == LIST["keys"][0]


async def test_a_revocation_says_whether_it_happened(face: Face) -> None:
    with ScriptedServer([Json(200, example("keys_revoke.response")), Reset(), Json(200, {"revoked": False})]) as server:
        async with face.client(server.url) as client:
            assert (await client.keys.revoke(12)).revoked is True
            assert (await client.keys.revoke("12")).revoked is False
    assert {(request.method, request.path) for request in server.requests} == {("DELETE", "/api/v1/keys/12")}


@pytest.mark.parametrize(
    ("verb", "args", "options", "says"),
    [
        ("create", ("",), {}, "name has 1 to 100 characters, not 0"),
        ("create", ("x" * 101,), {}, "name has 1 to 100 characters, not 101"),
        ("create", (7,), {}, "name takes text, not int"),
        ("create", ("n",), {"scopes": "workflows:read"}, "scopes takes several scopes, not one text"),
        ("create", ("n",), {"expires_at": datetime(2027, 1, 1)}, "a datetime needs a time zone"),
        ("update", (12,), {}, "nothing to update: give name or scopes"),
        ("update", (12,), {"name": ""}, "name has 1 to 100"),
        ("update", (-1,), {"name": "n"}, "key_id is a number from 0"),
        ("revoke", (None,), {}, "key_id takes a number or text"),
        ("revoke", ("..",), {}, "key_id cannot be"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    face: Face, verb: str, args: tuple[Any, ...], options: dict[str, Any], says: str
) -> None:
    async with face.client("http://127.0.0.1:1") as client:
        with pytest.raises((TypeError, ValueError), match=says):
            await getattr(client.keys, verb)(*args, **options)


async def test_the_documented_node_types_are_read(face: Face) -> None:
    catalogue = example("node_types_list.response")
    with ScriptedServer([Json(200, catalogue), Json(200, {"success": True, "data": {}})]) as server:
        async with face.client(server.url) as client:
            found = await client.node_types.list(category="stripe", role="getter")
            nothing = await client.node_types.list()
    assert server.requests[0].query == {"category": "stripe", "role": "getter"}
    assert server.requests[1].query == {}
    assert found.to_dict() == catalogue["data"]
    assert [kind.node_type for kind in found] == ["stripe/listCharges", "stripe/getBalance"]
    assert (len(found), found[1].label, found.total) == (2, "Get Balance", 2)
    assert (found.categories[0].name, found.categories[0].node_count) == ("Stripe", 8)
    assert found[0].requires_credential is True
    assert (len(nothing), [*nothing], nothing.categories) == (0, [], [])
