"""A client certificate as the only credential, against the bundled server: calls, live events, output and downloads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from mock_server import MockServer
from tests.support.faces import Face
from vantage_sdk import AuthenticationError, JobUpdate, VantageConnectionError

SCRIPT = {"name": "n", "script": "echo one; sleep 5; echo two", "partition": "cpu"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the files are: of the authority, of the server, and of callers who are and are not its users."""
    place = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(place / "ca.pem"))
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(str(place / "server.pem"))
    issued.private_key_pem.write_to_path(str(place / "server.key"))
    for name, issuer in {"alice": authority, "nobody": authority, "foreign": trustme.CA()}.items():
        caller = issuer.issue_cert("caller.example", common_name="alice" if name == "foreign" else name)
        caller.private_key_and_cert_chain_pem.write_to_path(str(place / f"{name}.pem"))
    return place


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    files = (str(folder / "server.pem"), str(folder / "server.key"))
    authority = str(folder / "ca.pem")
    with MockServer(clock="auto", s9s_port=0, tls=files, client_ca=authority, check_invariants=True) as server:
        assert server.s9s_url is not None
        yield server.s9s_url


def client_of(face: Face, url: str, folder: Path, name: str, **options: Any) -> Any:
    return face.s9s(url, cert=str(folder / f"{name}.pem"), verify=str(folder / "ca.pem"), **options)


async def test_a_certificate_is_all_that_is_needed(face: Face, url: str, folder: Path, tmp_path: Path) -> None:
    async with client_of(face, url, folder, "alice") as client:
        async with client.events.subscribe("jobs", {"user": "alice"}) as updates:
            job = await client.jobs.submit(**SCRIPT)
            async for item in updates:
                assert isinstance(item, JobUpdate)
                if item.resource_id == job.job_id and item.data is not None and item.data.is_terminal:
                    break
        assert (await client.jobs.get(job.job_id)).user == "alice"
        assert [line async for line in client.jobs.follow(job.job_id)] == ["one", "two"]
        export = await client.exports.create("jobs", format="csv", fields=["job_id"])
        await client.exports.wait(export)
        await client.exports.download(export, tmp_path / "jobs.csv")
        assert job.job_id in (tmp_path / "jobs.csv").read_text().split()


@pytest.mark.parametrize(("name", "error"), [("nobody", AuthenticationError), ("foreign", VantageConnectionError)])
async def test_another_certificate_does_not_do(
    face: Face, url: str, folder: Path, name: str, error: type[Exception]
) -> None:
    async with client_of(face, url, folder, name, max_retries=0) as client:
        with pytest.raises(error):
            await client.status()
        with pytest.raises(error):
            async with client.events.subscribe("jobs", reconnect=False):
                pass
