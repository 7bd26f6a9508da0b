"""A client of slurmrestd: one version of its interface, its errors in the words of the port."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlencode

import pydantic_core

from mock_server.cluster.backend import (
    ClusterError,
    DeniedError,
    NotFoundError,
    RequestError,
    StateError,
    UnavailableError,
)
from mock_server.cluster.slurm.access import InDoubtError, UnansweredError
from mock_server.cluster.slurm.connections import Connections, LostError, UnreachableError
from mock_server.cluster.slurm.records import job_record, node_record, partition_record

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from mock_server.cluster.slurm.connections import Reply
    from mock_server.cluster.slurm.records import JobRecord, NodeRecord, PartitionRecord
    from mock_server.cluster.slurm.settings import SlurmSettings
    from mock_server.cluster.slurm.tokens import Tokens

T = TypeVar("T")

OLDEST = (0, 0, 38)
HELD = 2042
"""A held job was taken in: no error."""

NOTHING_FOUND = 9003
"""The accounting has no such records: no error either."""

_UNKNOWN_JOB = frozenset({2017, 2021})
_UNKNOWN_NODE = 2018
_DENIED = frozenset({2002, 2010, 2045})
_FIELDS = {
    2000: "partition",
    2014: "resources",
    2051: "time_limit",
    2052: "nodes",
    2015: "nodes",
    2072: "resources",
    2024: "dependencies",
    2054: "time_limit",
    2066: "qos",
    2049: "account",
    2078: "array",
    2070: "array",
}
_ENDED = frozenset({2009, 2018})


class Rest:
    """Calls of slurmrestd over one pool of connections; ``calls`` counts them."""

    def __init__(self, settings: SlurmSettings, tokens: Tokens) -> None:
        self._url = settings.address
        self._settings = settings
        self._tokens = tokens
        self._client: Connections | None = None
        self._version: str | None = None
        self._slurmdb: str | None = None
        self._filters: dict[str, frozenset[str]] = {}
        self.calls = 0

    @property
    def is_open(self) -> bool:
        return self._client is not None

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def jobs(self, finished: Container[int] = ()) -> list[JobRecord]:
        """Return all jobs that Slurm lists but those whose end is known already."""

        def make(raw: dict[str, Any]) -> JobRecord | None:
            return None if raw.get("job_id") in finished else job_record(raw)

        return await self._list("jobs", make)

    async def nodes(self) -> list[NodeRecord]:
        return await self._list("nodes", node_record)

    async def partitions(self) -> list[PartitionRecord]:
        return await self._list("partitions", partition_record)

    async def submit(self, script: str, job: Mapping[str, Any], account: str) -> int:
        """Submit a job for an account and return Slurm's number for it."""
        answer = await self._call("POST", "job/submit", {"script": script, "job": dict(job)}, account=account)
        number = answer.get("job_id")
        if not isinstance(number, int) or number <= 0:
            raise ClusterError("Slurm gave no id for the job")
        return number

    async def update(self, key: str, changes: Mapping[str, Any], account: str | None = None) -> None:
        """Change a job, all of it or nothing, with the rights of the acting account or of another one."""
        await self._call("POST", f"job/{key}", dict(changes), account=account)

    async def cancel(self, key: str, signal: str | None = None, account: str | None = None) -> None:
        """End a job, or only send it a signal."""
        path = f"job/{key}" if signal is None else f"job/{key}?signal={signal}"
        await self._call("DELETE", path, account=account)

    async def version(self) -> str:
        """Return the newest version of the interface that both sides know."""
        version = self._version
        if version is None:
            answer = await self._send("GET", "/openapi/v3", None, self._settings.acting)
            paths: dict[str, Any] = answer.json().get("paths", {}) if answer.is_success else {}
            self._slurmdb = _newest(paths, "slurmdb")
            self._filters = {
                path.removeprefix(f"/slurmdb/{self._slurmdb}/").rstrip("/"): _parameters(content)
                for path, content in paths.items()
                if path.startswith("/slurmdb/")
            }
            version = self._version = _newest(paths, "slurm")
            if version is None:
                raise UnavailableError(f"slurmrestd at {self._url} offers no version from v0.0.38 on")
        return version

    async def slurmdb(self, what: str, **query: str) -> dict[str, Any] | None:
        """Return what the accounting says, ``None`` where slurmrestd does not speak for it.

        Of ``query`` that is left out which this version does not know.
        """
        await self.version()
        if self._slurmdb is None:
            return None
        known = self._filters.get(what, frozenset())
        chosen = urlencode({name: value for name, value in query.items() if name in known})
        return await self._call("GET", f"{what}?{chosen}", base=f"slurmdb/{self._slurmdb}")

    async def _list(self, name: str, make: Callable[[dict[str, Any]], T | None]) -> list[T]:
        """Return what ``make`` makes of each entry of a list, without what it leaves out."""
        found: Any = (await self._call("GET", name, make=make)).get(name)
        if not isinstance(found, list):
            raise UnavailableError(f"the answer of slurmrestd has no list of {name}")
        return cast("list[T]", found)

    async def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        account: str | None = None,
        base: str | None = None,
        make: Callable[[dict[str, Any]], Any] | None = None,
    ) -> dict[str, Any]:
        """Return what an answer says; ``make`` is for the entries of the list that has the path as its name."""
        acting = account or self._settings.acting
        url = f"/{base or f'slurm/{await self.version()}'}/{path}"
        answer = await self._send(method, url, body, acting)
        if _looks_unauthorized(answer) and self._tokens.renews(acting):
            answer = await self._send(method, url, body, acting)
        if answer.status_code == 401 or _looks_unauthorized(answer):
            raise UnavailableError(f"Slurm refused the token of {acting}: it has expired or is for somebody else")
        if make is not None and not answer.is_error:
            await answer.read_list(path, make)
        return _checked(answer, path)

    async def _send(self, method: str, url: str, body: Mapping[str, Any] | None, account: str) -> Reply:
        if self._client is None:
            self._client = Connections(self._url, self._settings.timeout)
        headers = {"X-SLURM-USER-NAME": account, "X-SLURM-USER-TOKEN": await self._tokens.get(account)}
        self.calls += 1
        try:
            return await self._client.request(
                method, url, headers, None if body is None else pydantic_core.to_json(body)
            )
        except UnreachableError:
            raise UnavailableError(f"slurmrestd at {self._url} cannot be reached") from None
        except LostError as error:
            raise UnansweredError(f"slurmrestd did not answer: {error}") from None


def _newest(paths: Iterable[str], service: str) -> str | None:
    """Return the newest version of a service that both sides know."""
    found = (re.match(rf"/{service}/v(\d+)\.(\d+)\.(\d+)/jobs", path) for path in paths)
    usable = [version for match in found if match and (version := tuple(map(int, match.groups()))) >= OLDEST]
    return "v" + ".".join(map(str, max(usable))) if usable else None


def _parameters(path: dict[str, Any]) -> frozenset[str]:
    """Return the names of what a path can be asked with."""
    return frozenset(str(each.get("name")) for each in path.get("get", {}).get("parameters", ()))


def _errors(answer: Reply) -> list[tuple[int, str]]:
    """Return number and text of each error that an answer names."""
    try:
        content: Any = answer.json()
    except ValueError:
        return [(0, answer.text[:200])] if answer.is_error else []
    found: list[tuple[int, str]] = []
    errors: list[dict[str, Any]] = (
        (cast("dict[str, Any]", content).get("errors") or []) if isinstance(content, dict) else []
    )
    for error in errors:
        numbers = (error.get(name) for name in ("error_number", "error_code", "errno"))
        number = next((value for value in numbers if isinstance(value, int)), 0)
        if answer.is_success and not number and not error.get("error"):
            continue  # so does 22.05 list what it has done to each task of an array
        found.append((number, str(error.get("error") or error.get("description") or "")))
    return found


def _looks_unauthorized(answer: Reply) -> bool:
    if answer.status_code == 401:
        return True
    words = ("authentication", "unspecified error")
    return answer.status_code >= 500 and any(
        text.lower().startswith(words) or number == 1007 for number, text in _errors(answer)
    )


def _checked(answer: Reply, path: str) -> dict[str, Any]:
    """Return the content of a good answer; errors in an answer with status 200 are errors as well."""
    errors = [(number, text) for number, text in _errors(answer) if number not in {HELD, NOTHING_FOUND}]
    if errors and not (path == "job/submit" and _has_number(answer)):
        raise _refusal(*errors[0], path)
    if answer.is_error:
        raise UnavailableError(f"slurmrestd answered with status {answer.status_code}")
    content: dict[str, Any] = answer.json()
    return content


def _has_number(answer: Reply) -> bool:
    """Tell whether a job was taken in, which its partition as it is now need not allow; then only its reason says so."""
    number = answer.json().get("job_id") if answer.is_success else None
    return isinstance(number, int) and number > 0


def _refusal(number: int, text: str, path: str) -> ClusterError:
    """Return what an error of Slurm means to a caller."""
    key = path.partition("/")[2].partition("?")[0]
    message = f"Slurm: {text}" if text else f"Slurm reported error {number}"
    if number == _UNKNOWN_NODE and path.startswith("node/"):
        return NotFoundError("node", key)
    if number in _UNKNOWN_JOB and key != "submit":
        return NotFoundError("job", key)
    if number in _DENIED:
        return DeniedError(message)
    if number in _FIELDS:
        return RequestError(_FIELDS[number], message)
    if number in _ENDED or (key != "submit" and 2000 <= number < 3000):
        return StateError(message)
    lowered = text.lower()
    if 1000 <= number < 2000 or any(word in lowered for word in ("contact", "connect", "timed out", "zero bytes")):
        # The controller may have got it before the connection broke.
        return InDoubtError(f"Slurm is not available: {text}")
    return RequestError("job", message) if 2000 <= number < 3000 else ClusterError(message)
