"""A client of slurmrestd, which speaks one version of its interface."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlencode

import pydantic_core

from mock_server.cluster.backend import UnavailableError, UnsupportedError
from mock_server.cluster.slurm import states
from mock_server.cluster.slurm.access import InDoubtError, UnansweredError
from mock_server.cluster.slurm.answers import (
    SUBMIT,
    checked,
    job_number,
    may_be_the_token,
    no_token,
)
from mock_server.cluster.slurm.cli import Cli
from mock_server.cluster.slurm.connections import Connections, LostError, UnreachableError
from mock_server.cluster.slurm.listing import Entries
from mock_server.cluster.slurm.records import job_record, node_record, partition_record
from mock_server.cluster.slurm.tokens import expires_at

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from mock_server.cluster.slurm.listing import Reply
    from mock_server.cluster.slurm.records import JobRecord, NodeRecord, PartitionRecord
    from mock_server.cluster.slurm.settings import SlurmSettings
    from mock_server.cluster.slurm.tokens import Tokens

T = TypeVar("T")

OLDEST = (0, 0, 38)


class Rest:
    """Calls of slurmrestd over one pool of connections; ``calls`` counts them."""

    def __init__(self, settings: SlurmSettings, tokens: Tokens) -> None:
        self._url = settings.address
        self._settings = settings
        self._cli = Cli(settings)
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
        """Return all jobs that Slurm lists but those whose end is known already and that have not begun anew."""

        def make(raw: dict[str, Any]) -> JobRecord | None:
            return None if raw.get("job_id", -1) in finished and states.has_ended(raw) else job_record(raw)

        return await self._list("jobs", make)

    async def nodes(self) -> list[NodeRecord]:
        return await self._list("nodes", node_record)

    async def partitions(self) -> list[PartitionRecord]:
        """Return the partitions; versions between v0.0.38 and v0.0.43 do not tell which is the default one."""
        found = await self._list("partitions", partition_record)
        if any(partition.is_default for partition in found):
            return found
        return [replace(each, is_default=each.name == self._settings.partition) for each in found]

    async def submit(self, script: str, job: Mapping[str, Any], account: str) -> int:
        """Submit a job for an account and return Slurm's number for it."""
        if "required_nodes" in job and await self.version() == "v0.0.38":
            raise UnsupportedError("naming the nodes of a job needs slurmrestd's v0.0.39")
        sent = {"script": script, "job": dict(job)}
        number = job_number(await self._call("POST", SUBMIT, sent, account=account))
        if number is None:
            raise InDoubtError("Slurm gave no id for the job")
        return number

    async def update(
        self, key: str, changes: Mapping[str, Any], account: str | None = None, *, whole: bool = False
    ) -> None:
        """Change a job, all of it or nothing, with the rights of the acting account or of another one."""
        if await self._confuses_tasks(key, whole=whole):
            await self._cli.update(key, changes, account)
            return
        await self._call("POST", f"job/{key}", dict(changes), account=account)

    async def cancel(self, key: str, signal: str | None = None, account: str | None = None) -> None:
        """End a job, or only send it a signal."""
        if await self._confuses_tasks(key):
            await self._cli.cancel(key, signal, account)
            return
        path = f"job/{key}" if signal is None else f"job/{key}?signal={signal}"
        await self._call("DELETE", path, account=account)

    async def _confuses_tasks(self, key: str, *, whole: bool = False) -> bool:
        """Tell whether slurmrestd must not be told of a task of an array, or of all of them.

        Later ones than v0.0.38 refuse to change a task, end the whole array where they are told to end one, and change
        of an array those tasks only that never were apart.
        """
        return ("_" in key or whole) and await self.version() != "v0.0.38"

    async def version(self) -> str:
        """Return the newest version of the interface that both sides know."""
        version = self._version
        if version is None:
            acting = self._settings.acting
            answer = await self._send("GET", "/openapi/v3", None, acting, await self._tokens.get(acting))
            if answer.status_code == 401:
                raise no_token(acting)
            paths: dict[str, Any] = answer.json().get("paths", {}) if answer.is_success else {}
            self._slurmdb = _newest(paths, "slurmdb")
            self._filters = {
                path.removeprefix(f"/slurmdb/{self._slurmdb}/").rstrip("/"): _parameters(content)
                for path, content in paths.items()
                if path.startswith("/slurmdb/")
            }
            version = self._version = _newest(paths, "slurm")
            if version is None:
                raise UnavailableError("slurmrestd offers no version from v0.0.38 on")
        return version

    async def slurmdb(self, what: str, **query: str | Sequence[str]) -> dict[str, Any] | None:
        """Return what the accounting says, ``None`` where slurmrestd does not speak for it.

        Of ``query`` that is left out which this version does not know.  A list is one parameter with commas to v0.0.38,
        and the parameter again and again to later versions, which refuse commas.
        """
        await self.version()
        if self._slurmdb is None:
            return None
        known, has_commas = self._filters.get(what, frozenset()), self._slurmdb == "v0.0.38"
        chosen = {
            name: ",".join(value) if has_commas and not isinstance(value, str) else value
            for name, value in query.items()
            if name in known
        }
        return await self._call("GET", f"{what}?{urlencode(chosen, doseq=True)}", base=f"slurmdb/{self._slurmdb}")

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

        def entries() -> Entries | None:
            return None if make is None else Entries(path, make)

        acting = account or self._settings.acting
        url = f"/{base or f'slurm/{await self.version()}'}/{path}"
        token, sent = await self._tokens.get(acting), time.time()
        answer = await self._send(method, url, body, acting, token, entries())
        if may_be_the_token(answer):
            # What no controller can have taken in is sent again with a newer token, and so is a mere question.
            refused = answer.status_code == 401 or expires_at(token) <= sent
            if self._tokens.renews(acting, token) and (refused or method == "GET"):
                token, sent = await self._tokens.get(acting), time.time()
                answer = await self._send(method, url, body, acting, token, entries())
                refused = answer.status_code == 401 or (may_be_the_token(answer) and expires_at(token) <= sent)
            if refused:
                raise no_token(acting)
        content = checked(answer, path)
        if make is not None and answer.is_error:
            content[path] = [one for raw in content[path] if (one := make(raw)) is not None]
        return content

    async def _send(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None,
        account: str,
        token: str,
        entries: Entries | None = None,
    ) -> Reply:
        if self._client is None:
            self._client = Connections(self._url, self._settings.timeout)
        headers = {"X-SLURM-USER-NAME": account, "X-SLURM-USER-TOKEN": token}
        self.calls += 1
        try:
            return await self._client.request(
                method, url, headers, None if body is None else pydantic_core.to_json(body), entries
            )
        except UnreachableError as error:
            raise UnavailableError(f"slurmrestd cannot be reached: {error}") from None
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
