"""Slurm through its commands, for a site without slurmrestd; what they print is JSON or not looked at."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from mock_server.cluster.backend import ClusterError, UnavailableError, UnsupportedError
from mock_server.cluster.slurm import states
from mock_server.cluster.slurm.access import InDoubtError
from mock_server.cluster.slurm.answers import lacks_names_only
from mock_server.cluster.slurm.listing import Entries
from mock_server.cluster.slurm.programs import MAX_LIST, Programs
from mock_server.cluster.slurm.records import job_record, node_record, partition_record
from mock_server.cluster.slurm.refusals import refusal, submission_refusal
from mock_server.cluster.slurm.sbatch import WORDS, environment_file, options, plain, variables

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from mock_server.cluster.slurm.programs import Output
    from mock_server.cluster.slurm.records import JobRecord, NodeRecord, PartitionRecord
    from mock_server.cluster.slurm.settings import SlurmSettings

_KEY = re.compile(r"[0-9]+(_[0-9]+)?", re.ASCII)
_CHANGES = {"comment": "comment", "priority": "priority", "begin_time": "starttime"}
_HELD = "Job is in held state"  # said of a priority that a held job is given, as slurmrestd does: no error
_SUBMITTED = re.compile(rb"([0-9]+)(;[^\n]*)?\n?")


class Cli:
    """Runs Slurm's commands as the acting account, ``sbatch`` as the one that the job is for; ``calls`` counts them.

    Processes of an account have no more rights than it has, whatever they are made to do.
    """

    is_open = False

    def __init__(self, settings: SlurmSettings) -> None:
        self._settings = settings
        self._programs = Programs(settings)
        self._nodes: list[dict[str, Any]] = []
        self._is_new = False
        self.calls = 0

    async def aclose(self) -> None:
        """Do nothing: no process outlives its call."""

    async def version(self) -> str:
        return WORDS

    async def jobs(self, finished: Container[int] = ()) -> list[JobRecord]:
        """Return all jobs that Slurm lists but those whose end is known already and that have not begun anew."""

        def make(raw: dict[str, Any]) -> JobRecord | None:
            return None if raw.get("job_id", -1) in finished and states.has_ended(raw) else job_record(raw)

        entries = Entries("jobs", make)
        answer = await self._json("squeue", "--json", "--all", "--states=all", entries=entries)
        return _listed(answer, "jobs")

    async def nodes(self) -> list[NodeRecord]:
        answer = {} if self._is_new else await self._json("sinfo", "--json", "--all")
        if "nodes" not in answer:
            # From 23.02 on sinfo groups nodes, and scontrol knows JSON.
            answer = await self._json("scontrol", "--json", "show", "nodes")
            self._is_new = True
        self._nodes = _listed(answer, "nodes")
        return [node_record(raw) for raw in self._nodes]

    async def partitions(self) -> list[PartitionRecord]:
        """Return the partitions; those of releases that do not tell them in JSON are what the nodes say they are in."""
        if not self._nodes:
            await self.nodes()
        if self._is_new:
            answer = await self._json("scontrol", "--json", "--all", "show", "partitions")
            return [partition_record(raw) for raw in _listed(answer, "partitions")]
        members: dict[str, list[str]] = {}
        for node in self._nodes:
            for partition in node.get("partitions") or ():
                members.setdefault(str(partition), []).append(str(node.get("name")))
        default = self._settings.partition
        if default is None and len(members) == 1:
            default = next(iter(members))
        return [
            partition_record(
                {
                    "name": name,
                    "nodes": ",".join(nodes),
                    "state": "UP",
                    "flags": ["default"] if name == default else [],
                }
            )
            for name, nodes in members.items()
        ]

    async def submit(self, script: str, job: Mapping[str, Any], account: str) -> int:
        """Submit a job for an account and return Slurm's number for it."""
        with environment_file(variables(job)) as descriptor:
            self.calls += 1
            output = await self._programs.run(
                "sbatch",
                *options(job),
                f"--export-file={descriptor}",
                account=account,
                stdin=plain(script),
                descriptor=descriptor,
            )
        if output.code != 0:
            raise submission_refusal(output.complaint)
        match = _SUBMITTED.fullmatch(output.out)
        if match is None:
            raise InDoubtError("Slurm gave no id for the job")
        return int(match[1])

    async def update(
        self,
        key: str,
        changes: Mapping[str, Any],
        account: str | None = None,
        *,
        whole: bool = False,  # noqa: ARG002 - the commands mean all tasks by the number of an array
    ) -> None:
        """Change a job with the rights of the acting account or of another one, all of it at once but for a release.

        A release has a command of its own.  It comes before the comment: a server that is ended in between finds a job
        that runs although the comment says that it is held, which it takes for somebody else's release.
        """
        words = dict(changes)
        is_released = words.get("hold") is False
        if words.pop("hold", None):
            words["priority"] = 0
        unknown = words.keys() - _CHANGES.keys()
        if unknown:
            raise KeyError(f"scontrol is not used to change {min(unknown)!r}")
        comment = {"comment": words.pop("comment")} if is_released and "comment" in words else {}
        await self._update(key, words, account)
        if is_released:
            await self._act("scontrol", "release", _checked(key), job=key, account=account)
        await self._update(key, comment, account)

    async def cancel(self, key: str, signal: str | None = None, account: str | None = None) -> None:
        """End a job, or only send it a signal."""
        # scancel is content with a job that there is not.
        await self._act("scontrol", "show", "job", _checked(key), job=key, account=account)
        options = () if signal is None else ("--full", f"--signal={int(signal)}")
        await self._act("scancel", *options, key, job=key, account=account)

    async def slurmdb(self, what: str, **query: str | Sequence[str]) -> None:
        """Return ``None``: ``sacct`` and ``sacctmgr`` are asked by whoever wants to know."""

    async def _update(self, key: str, words: Mapping[str, Any], account: str | None) -> None:
        if words:
            said = [f"{_CHANGES[name]}={value}" for name, value in words.items()]
            await self._act("scontrol", "update", f"jobid={_checked(key)}", *said, job=key, account=account)

    async def _act(self, name: str, *arguments: str, job: str, account: str | None) -> None:
        output = await self._run(name, *arguments, account=account)
        if output.code != 0 and _HELD not in output.complaint:
            raise refusal(output.complaint, job)

    async def _json(self, name: str, *arguments: str, entries: Entries | None = None) -> dict[str, Any]:
        """Return what a command prints; one that could not reach Slurm prints an empty list and ends with 0."""
        output = await self._run(name, *arguments, entries=entries)
        if output.code != 0:
            raise _unread(output.complaint)
        try:
            answer: Any = json.loads(output.out) if entries is None else entries.end()
        except ValueError:
            raise UnavailableError(f"{name} printed no JSON: {output.complaint[:200]}") from None
        if not isinstance(answer, dict):
            raise UnavailableError(f"{name} printed JSON that is no answer")
        content = cast("dict[str, Any]", answer)
        if not lacks_names_only(content):
            for error in content.get("errors") or ():
                raise UnavailableError(f"Slurm is not available: {name} reports {_words(error)}")
        return content

    async def _run(
        self, name: str, *arguments: str, account: str | None = None, entries: Entries | None = None
    ) -> Output:
        self.calls += 1
        acting = account or self._settings.acting
        return await self._programs.run(name, *arguments, account=acting, limit=MAX_LIST, entries=entries)


def _unread(complaint: str) -> ClusterError:
    """Return the error for a list that did not come; whatever the reason, nothing is known then."""
    found = refusal(complaint)
    if isinstance(found, UnavailableError | UnsupportedError):
        return found
    return UnavailableError(f"Slurm is not available: {complaint}")


def _listed(answer: dict[str, Any], name: str) -> list[Any]:
    """Return a list of an answer; one that is missing is no empty one."""
    found: list[Any] | None = answer.get(name)
    if not isinstance(found, list):
        raise UnavailableError(f"Slurm's commands told no {name}")
    return found


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no number of a job")
    return key


def _words(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    told = cast("dict[str, Any]", error)
    return str(told.get("error") or told.get("description") or told)
