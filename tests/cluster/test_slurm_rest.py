"""What the real backend makes of answers that are errors, and of tokens that are refused; no Slurm is needed."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mock_server.cluster.backend import (
    ClusterError,
    DeniedError,
    RequestError,
    UnavailableError,
    UnsupportedError,
)
from mock_server.cluster.slurm.access import InDoubtError, UnansweredError
from mock_server.cluster.slurm.cli import Cli
from mock_server.cluster.slurm.commands import Commands
from mock_server.cluster.slurm.connections import Connections
from mock_server.cluster.slurm.listing import Entries, Reply
from mock_server.cluster.slurm.refusals import refusal
from mock_server.cluster.slurm.rest import Rest
from mock_server.cluster.slurm.settings import SlurmSettings
from mock_server.cluster.slurm.tokens import Tokens, expires_at

SILENT = {"errors": [{"error_code": 5005, "error": "Zero Bytes were transmitted or received"}]}
UNKNOWN = {"errors": [{"error_number": -1, "error": "Unspecified error", "source": "slurm_load_jobs"}]}


def reply(status: int, said: Any) -> Reply:
    return Reply(status, json.dumps(said).encode())


def token(seconds: float) -> str:
    """Return a token that expires so many seconds from now."""
    payload = base64.urlsafe_b64encode(json.dumps({"exp": int(time.time() + seconds), "sun": "root"}).encode())
    return f"head.{payload.decode().rstrip('=')}.signature"


def calling(answers: list[Reply], file: Path, *, post: bool, new: str | None = None) -> tuple[Any, list[str]]:
    """Call slurmrestd, which gives these answers, and return what comes of it and the tokens that it saw.

    ``new`` comes into the file while the first request is on its way.
    """
    seen: list[str] = []

    class Scripted(Connections):
        async def request(
            self,
            method: str,
            target: str,
            headers: Mapping[str, str],
            body: bytes | None = None,
            entries: Entries | None = None,
        ) -> Reply:
            seen.append(headers["X-SLURM-USER-TOKEN"])
            if new is not None:
                file.write_text(new)
            return answers.pop(0)

    async def body() -> Any:
        settings = SlurmSettings("http://127.0.0.1:1", user="alice", token_file=str(file))
        rest = Rest(settings, Tokens(settings, Commands(settings)))
        rest._version = "v0.0.38"
        rest._client = Scripted(settings.address, settings.timeout)
        try:
            return await (rest.submit("#!/bin/sh", {}, "alice") if post else rest.jobs())
        except ClusterError as error:
            return error
        finally:
            await rest.aclose()

    return asyncio.run(body()), seen


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token"


@pytest.mark.parametrize(("post", "said"), [(True, SILENT), (False, UNKNOWN)])
def test_an_expired_token_is_named_and_leaves_no_doubt(file: Path, post: bool, said: dict[str, Any]) -> None:
    file.write_text(old := token(-10))
    error, seen = calling([reply(500, said)], file, post=post)
    assert str(error) == "Slurm refused the token of alice: it has expired or is none"
    assert not isinstance(error, InDoubtError)
    assert seen == [old]


def test_a_token_that_has_been_replaced_is_used_at_once(file: Path) -> None:
    file.write_text(old := token(-10))
    new = token(1000)
    answers = [reply(500, SILENT), reply(200, {"job_id": 7, "errors": []})]
    assert calling(answers, file, post=True, new=f"SLURM_JWT={new}\n") == (7, [old, new])


def test_what_may_have_been_taken_in_is_not_sent_again(file: Path) -> None:
    file.write_text(old := token(1000))
    error, seen = calling([reply(500, SILENT)], file, post=True, new=token(2000))
    assert isinstance(error, InDoubtError)
    assert seen == [old]


def test_a_question_is_asked_again_with_another_token_only(file: Path) -> None:
    file.write_text(old := token(1000))
    error, seen = calling([reply(500, UNKNOWN)], file, post=False)
    assert str(error) == "Slurm is not available, or does not accept the token: Unspecified error"
    assert seen == [old]
    new = token(2000)
    answers = [reply(500, UNKNOWN), reply(200, {"jobs": []})]
    assert calling(answers, file, post=False, new=new) == ([], [old, new])


WITHOUT_NAMES = {"errors": [{"error_number": 111, "error": "Connection refused", "source": "slurmdb_qos_get"}]}


def test_a_list_without_the_names_of_the_accounting_is_one(file: Path) -> None:
    """So does 24.05 answer while slurmdbd is away, with status 500."""
    file.write_text(token(1000))
    jobs, seen = calling([reply(500, {"jobs": [{"job_id": 7}, {"job_id": 8}], **WITHOUT_NAMES})], file, post=False)
    assert [job.job_id for job in jobs] == [7, 8]
    assert len(seen) == 1


@pytest.mark.parametrize(
    "said", [WITHOUT_NAMES, {"jobs": [], "errors": [*WITHOUT_NAMES["errors"], UNKNOWN["errors"][0]]}]
)
def test_a_list_that_lacks_more_is_none(file: Path, said: dict[str, Any]) -> None:
    file.write_text(token(1000))
    error, _ = calling([reply(500, said)], file, post=False)
    assert isinstance(error, UnavailableError)


@pytest.mark.parametrize(
    "answer",
    [Reply(502, b"<html>"), Reply(200, b"<html>"), reply(504, {"errors": []})],
)
def test_who_is_not_slurmrestd_does_not_know_what_became_of_a_submission(file: Path, answer: Reply) -> None:
    file.write_text(token(1000))
    error, _ = calling([answer], file, post=True)
    assert isinstance(error, UnansweredError)


def test_v0_0_38_cannot_be_told_the_nodes_of_a_job() -> None:
    settings = SlurmSettings("http://127.0.0.1:1", token="t")
    rest = Rest(settings, Tokens(settings, Commands(settings)))
    rest._version = "v0.0.38"
    with pytest.raises(UnsupportedError, match="v0.0.39"):
        asyncio.run(rest.submit("#!/bin/sh", {"required_nodes": "n1"}, "alice"))


@pytest.mark.parametrize(("version", "is_trusted"), [("v0.0.38", True), ("v0.0.39", False), ("v0.0.41", False)])
def test_later_slurmrestds_are_not_told_of_a_task(version: str, is_trusted: bool) -> None:
    """24.05 ends the whole array where it is told to end a task, and refuses to change one."""
    asked: list[str] = []

    class Scripted(Connections):
        async def request(self, method: str, target: str, *_: Any) -> Reply:
            asked.append(f"{method} {target}")
            return reply(200, {})

    class Noted(Cli):
        async def update(self, key: str, *_: Any, **__: Any) -> None:
            asked.append(f"scontrol {key}")

        async def cancel(self, key: str, *_: Any) -> None:
            asked.append(f"scancel {key}")

    async def body() -> None:
        settings = SlurmSettings("http://127.0.0.1:1", token="t")
        rest = Rest(settings, Tokens(settings, Commands(settings)))
        rest._version, rest._cli = version, Noted(settings)
        rest._client = Scripted(settings.address, settings.timeout)
        for key in ("7", "7_2"):
            await rest.cancel(key)
            await rest.update(key, {"hold": True})
        await rest.update("8", {"hold": True}, whole=True)

    asyncio.run(body())
    whole = [f"DELETE /slurm/{version}/job/7", f"POST /slurm/{version}/job/7"]
    task = [f"DELETE /slurm/{version}/job/7_2", f"POST /slurm/{version}/job/7_2"]
    array = f"POST /slurm/{version}/job/8"
    assert asked == [*whole, *((*task, array) if is_trusted else ("scancel 7_2", "scontrol 7_2", "scontrol 8"))]


@pytest.mark.parametrize("number", [2042, 2015, 2068])
def test_a_job_that_was_taken_in_is_no_error(file: Path, number: int) -> None:
    """Slurm says in the same answer why it waits: held, over a limit of its partition, all nodes down."""
    file.write_text(token(1000))
    said = {"job_id": 9, "errors": [{"error_code": number, "error": "Required node not available"}]}
    assert calling([reply(200, said)], file, post=True)[0] == 9


@pytest.mark.parametrize(
    ("number", "kind", "field"),
    [
        (2000, RequestError, "partition"),
        (2014, RequestError, "resources"),
        (2045, RequestError, "account"),
        (2070, RequestError, "partition"),
        (2081, RequestError, "array"),
        (2099, RequestError, "job"),
        (2002, DeniedError, None),
        (2007, UnavailableError, None),
        (1800, InDoubtError, None),
        (5004, InDoubtError, None),
        (1, ClusterError, None),
    ],
)
def test_what_slurm_says_to_a_submission(file: Path, number: int, kind: type[Exception], field: str | None) -> None:
    file.write_text(token(1000))
    said = "timed out" if number == 5004 else "no"
    answer = reply(500, {"errors": [{"error_code": number, "error": said}]})
    error, _ = calling([answer], file, post=True)
    assert type(error) is kind
    assert getattr(error, "field", None) == field


@pytest.mark.parametrize("content", ["", "\n", "a\nb: c", "\N{SNOWMAN}", None])
def test_a_file_without_a_token_is_said_to_be_one(file: Path, content: str | None) -> None:
    if content is not None:
        file.write_text(content)
    error, seen = calling([], file, post=True)
    assert str(error).startswith("The file with Slurm's token ")
    assert (str(file) in str(error), seen) == (False, [])


def test_when_a_token_expires() -> None:
    assert 990 < expires_at(token(1000)) - time.time() <= 1000
    for other in ("", "garbage", "a.b.c", "a.e30.c", "a.W10.c"):
        assert expires_at(other) == float("inf")


def test_what_is_away_is_named_without_the_files_of_the_site() -> None:
    error = refusal("Munge encode failed: no /run/munge; slurm_update error: Protocol authentication error")
    assert isinstance(error, UnavailableError)
    assert str(error) == "Slurm is not available: slurm_update error: Protocol authentication error"
