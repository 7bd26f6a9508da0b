"""A download leads where the server says, and takes the credential along to no other server, whatever that one answers."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.support.faces import Face
from tests.support.intake import KIB, shrink
from tests.support.office import DOWNLOAD, Office, cut, ranged
from tests.support.s9s_answers import fault
from tests.support.scripted import Json, Redirect, Reply, Request, ScriptedServer, Step
from vantage_sdk import AuthenticationError, Export, SubmitOutcomeUnknown, TransferError, VantageAPIError
from vantage_sdk.testing import instant_retries

KEY = "canary_0123456789abcdefghij"
ROWS = b"job_id,state\n12345,COMPLETED\n"
LARGE = hashlib.shake_256(b"links").digest(200 * KIB)
IMPERSONAL = {"host", "user-agent", "accept", "accept-encoding", "range", "if-range"}
CREDENTIALS: list[dict[str, Any]] = [{"token": KEY}, {"api_key": KEY}, {"token": lambda: KEY}]
NOWHERE = {
    "unencrypted": "http://example.com/rows.csv",
    "our server unencrypted under another name": "http://192.0.2.7/rows.csv",
    "a file": "file:///etc/hostname",
    "another scheme": "ftp://127.0.0.1/rows.csv",
    "a user name": "https://user:word@127.0.0.1/rows.csv",
    "a backslash": "https:\\\\127.0.0.1/rows.csv",
    "a control character": "/v1/\texports",
    "no host": "https:///rows.csv",
    "a port that is none": "https://127.0.0.1:99999/rows.csv",
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    shrink(monkeypatch)
    with instant_retries():
        yield


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


class Elsewhere(Office):
    """Another server, which hands out the same under any path."""

    def __call__(self, request: Request, connection: int) -> Any:
        self.downloads.append(request)
        rule = self.rules.pop(0) if len(self.rules) > 1 else self.rules[0]
        return rule(self, request)


def nothing_is_told(server: ScriptedServer) -> bool:
    """Tell whether no request to a server says who asks, in any of its bytes."""
    for request in server.requests:
        assert {name.lower() for name, _ in request.headers} <= IMPERSONAL
        assert KEY not in str((request.target, request.headers, request.body))
    return bool(server.requests)


@pytest.mark.parametrize("credential", CREDENTIALS, ids=["token", "key", "function"])
@pytest.mark.parametrize("content", [ROWS, LARGE], ids=len)
async def test_another_server_gets_no_credential(
    face: Face, target: Path, credential: dict[str, Any], content: bytes
) -> None:
    with ScriptedServer(Elsewhere(content, ranged)) as other:
        link = f"{other.url}/bucket/rows.csv?signature=a%2Fb&x=1#part"
        with ScriptedServer(Office(content, download_url=link)) as server:
            async with face.s9s(server.url, **credential) as client:
                await client.exports.download("exp_1", target, extra_headers={"X-Trace": KEY})
    assert target.read_bytes() == content
    assert nothing_is_told(other)
    assert {request.target for request in other.requests} == {"/bucket/rows.csv?signature=a%2Fb&x=1"}
    assert {request.header("host") for request in other.requests} == {other.url.removeprefix("http://")}
    assert KEY in str(server.requests[0].headers)


async def test_a_broken_connection_elsewhere_is_gone_on_with_without_a_credential(face: Face, target: Path) -> None:
    elsewhere = Elsewhere(LARGE, ranged, cut(90 * KIB), ranged)
    with ScriptedServer(elsewhere) as other, ScriptedServer(Office(LARGE, download_url=f"{other.url}/x")) as server:
        async with face.s9s(server.url, token=KEY) as client:
            await client.exports.download("exp_1", target)
    assert target.read_bytes() == LARGE
    assert nothing_is_told(other)
    assert elsewhere.ranges == ["bytes=0-0", None, f"bytes={90 * KIB}-{len(LARGE) - 1}"]


async def test_an_answer_of_another_server_teaches_nothing_about_ours(face: Face, target: Path) -> None:
    def claims(request: Request, connection: int) -> Step:
        return Reply(200, ROWS, {"X-Idempotency-Supported": "true", "Set-Cookie": "a=b"})

    with ScriptedServer(claims) as other, ScriptedServer(Office(ROWS, download_url=f"{other.url}/x")) as server:
        async with face.s9s(server.url, token=KEY) as client:
            await client.exports.download("exp_1", target)
            with pytest.raises(VantageAPIError):
                await client.jobs.submit(script="s")
            server._answer = lambda request, connection: fault(500)
            with pytest.raises(SubmitOutcomeUnknown):
                await client.jobs.submit(script="s", max_retries=3)
            posted = [request for request in server.requests if request.method == "POST"]
            assert all(request.header("cookie") is None for request in server.requests)
    assert len(posted) == 2


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_elsewhere_is_raised_and_asks_for_no_new_token(face: Face, target: Path, status: int) -> None:
    given: list[str] = []

    def token() -> str:
        given.append(KEY)
        return KEY

    with ScriptedServer(lambda request, connection: fault(status)) as other:
        with ScriptedServer(Office(ROWS, download_url=f"{other.url}/x?sig=1")) as server:
            async with face.s9s(server.url, token=token) as client:
                with pytest.raises(VantageAPIError) as caught:
                    await client.exports.download("exp_1", target)
    assert caught.value.status_code == status
    assert "sig" not in str(caught.value)
    assert nothing_is_told(other)
    assert (len(other.requests), len(given)) == (1, 1)
    assert not target.exists()


async def test_a_link_elsewhere_asks_for_no_token_at_all(face: Face, target: Path) -> None:
    given: list[str] = []
    with ScriptedServer(Elsewhere(ROWS, ranged)) as other:
        export = Export.from_dict({"export_id": "e", "status": "completed", "download_url": f"{other.url}/x"})
        async with face.s9s("http://127.0.0.1:1", token=lambda: given.append(KEY) or KEY) as client:
            await client.exports.download(export, target)
    assert target.read_bytes() == ROWS
    assert given == []


@pytest.mark.parametrize("link", NOWHERE.values(), ids=NOWHERE.keys())
async def test_a_link_that_leads_nowhere_one_may_go_is_an_error(face: Face, target: Path, link: str) -> None:
    office = Office(ROWS, download_url=link)
    with ScriptedServer(office) as server:
        async with face.s9s(server.url, token=KEY) as client:
            with pytest.raises(TransferError, match="the server says that exports/exp_1 is at"):
                await client.exports.download("exp_1", target)
    assert len(server.requests) == 1
    assert not target.exists()


@pytest.mark.parametrize("link", [["x"], 5, {}], ids=str)
async def test_a_link_that_is_no_text_is_an_error(face: Face, target: Path, link: Any) -> None:
    with ScriptedServer(Office(ROWS, download_url=link)) as server:
        async with face.s9s(server.url, token=KEY) as client:
            with pytest.raises((TransferError, VantageAPIError)):
                await client.reports.download("rep_1", target)
    assert not target.exists()


# Links of our own server


@pytest.mark.parametrize("mount", ["", "/s9s", "/a/b"])
@pytest.mark.parametrize("form", ["{path}", "{mount}{path}", "{origin}{mount}{path}"])
async def test_a_link_of_ours_is_found_below_the_mount_path(face: Face, target: Path, mount: str, form: str) -> None:
    office = Office(ROWS)
    with ScriptedServer(office) as server:
        office.told["download_url"] = form.format(path=DOWNLOAD, mount=mount, origin=server.url) + "?a=1"
        async with face.s9s(server.url + mount, token=KEY) as client:
            await client.exports.download("exp_1", target)
    [request] = office.downloads
    assert request.target == f"{mount}{DOWNLOAD}?a=1"
    assert request.header("authorization") == f"Bearer {KEY}"
    assert target.read_bytes() == ROWS


async def test_ours_by_another_name_is_another_server(face: Face, target: Path) -> None:
    office = Office(ROWS)
    with ScriptedServer(office) as server:
        office.told["download_url"] = server.url.replace("127.0.0.1", "localhost") + DOWNLOAD
        async with face.s9s(server.url, token=KEY) as client:
            await client.exports.download("exp_1", target)
    assert KEY not in str(office.downloads[0].headers)


# Redirects


async def test_a_redirect_to_another_server_leaves_the_credential_behind(face: Face, target: Path) -> None:
    with ScriptedServer(Elsewhere(ROWS, ranged)) as other:
        office = Office(ROWS, lambda office, request: Redirect(302, f"{other.url}/signed?x=1"))
        with ScriptedServer(office) as server:
            async with face.s9s(server.url, token=KEY) as client:
                await client.exports.download("exp_1", target)
    assert target.read_bytes() == ROWS
    assert nothing_is_told(other)
    assert KEY in str(office.downloads[0].headers)


async def test_a_refusal_after_a_redirect_asks_for_no_new_token(face: Face, target: Path) -> None:
    given: list[str] = []
    with ScriptedServer(lambda request, connection: fault(401)) as other:
        office = Office(ROWS, lambda office, request: Redirect(302, f"{other.url}/x"))
        with ScriptedServer(office) as server:
            async with face.s9s(server.url, token=lambda: given.append(KEY) or f"{KEY}{len(given)}") as client:
                with pytest.raises(AuthenticationError):
                    await client.exports.download("exp_1", target)
    assert (len(given), len(other.requests)) == (1, 1)


@pytest.mark.parametrize("start", ["elsewhere", "here"])
async def test_the_way_back_does_not_bring_the_credential_back(face: Face, target: Path, start: str) -> None:
    places: dict[str, str] = {}

    def back(request: Request, connection: int) -> Step:
        return Redirect(307, f"{places['home']}/v1/exports/exp_1/back/download")

    def guarded(office: Office, request: Request) -> Step:
        if "back" not in request.path:
            return Redirect(302, f"{places['other']}/away")
        return fault(401, "AUTHENTICATION_FAILED") if request.header("authorization") is None else Reply(200, ROWS)

    given: list[str] = []
    with ScriptedServer(back) as other:
        office = Office(ROWS, guarded)
        with ScriptedServer(office) as server:
            places |= {"home": server.url, "other": other.url}
            if start == "elsewhere":
                office.told["download_url"] = f"{other.url}/away"
            async with face.s9s(server.url, token=lambda: given.append(KEY) or f"{KEY}{len(given)}") as client:
                with pytest.raises(AuthenticationError):
                    await client.exports.download("exp_1", target)
    assert len(given) == 1
    assert nothing_is_told(other)
    assert [KEY in str(request.headers) for request in office.downloads] == ([] if start == "elsewhere" else [True]) + [
        False
    ]


@pytest.mark.parametrize(
    "location", ["http://example.com/rows.csv", "file:///etc/hostname", "", "https://a:b@127.0.0.1/"]
)
async def test_a_redirect_that_leads_nowhere_one_may_go_is_not_followed(
    face: Face, target: Path, location: str
) -> None:
    with ScriptedServer(Office(ROWS, lambda office, request: Redirect(302, location))) as server:
        async with face.s9s(server.url, token=KEY, max_retries=0) as client:
            with pytest.raises(VantageAPIError) as caught:
                await client.exports.download("exp_1", target)
    assert caught.value.status_code == 302
    assert len(server.requests) == 2


async def test_other_calls_still_follow_no_redirect_elsewhere(face: Face) -> None:
    with ScriptedServer(lambda request, connection: Json(200, {"export_id": "e"})) as other:
        with ScriptedServer([Redirect(302, f"{other.url}/v1/exports/e")]) as server:
            async with face.s9s(server.url, token=KEY, max_retries=0) as client:
                with pytest.raises(VantageAPIError):
                    await client.exports.get("e")
    assert other.connections == 0


# Certificates


async def test_a_client_certificate_is_shown_to_its_own_server_alone(face: Face, tmp_path: Path, target: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("client@example.com").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "me.pem"))

    def context(demand: ssl.VerifyMode) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(made)
        authority.configure_trust(made)
        made.verify_mode = demand
        return made

    settings = {"cert": tmp_path / "me.pem", "verify": str(tmp_path / "ca.pem")}
    with ScriptedServer(Elsewhere(ROWS, ranged), tls=context(ssl.CERT_REQUIRED)) as other:
        office = Office(ROWS, download_url=f"{other.url}/x")
        with ScriptedServer(office, tls=context(ssl.CERT_REQUIRED)) as server:
            async with face.s9s(server.url, max_retries=0, **settings) as client:
                assert (await client.exports.get("exp_1")).succeeded
                with pytest.raises(VantageAPIError):
                    await client.exports.download("exp_1", target)
                office.told["download_url"] = f"{server.url}{DOWNLOAD}"
                await client.exports.download("exp_1", target)
    assert other.requests == []
    assert target.read_bytes() == ROWS
