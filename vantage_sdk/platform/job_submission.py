"""Submitting jobs so that each exists once, whatever the network does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from typing_extensions import Unpack

from vantage_sdk.core.request import CallOptions, Request, Safety
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.core.settling import looked_up, settled
from vantage_sdk.core.shapes import is_whole
from vantage_sdk.exceptions import ConflictError, SubmitOutcomeUnknown, ValidationError, VantageAPIError
from vantage_sdk.models.base import one
from vantage_sdk.models.job import Job
from vantage_sdk.pagination import page_of
from vantage_sdk.platform.template import Template, submission

CONCURRENCY = 8
JOBS = page_of(Job, "jobs")


class SubmitOptions(CallOptions, total=False):
    """What a submission takes beside the template.

    ``cluster``: name or id, default the server's choice; ``priority``: whole number from 0, higher runs earlier; ``env``:
    variables merged over those of the template; ``name``: replaces the template's; ``idempotency_key``: yours instead of a
    new one, at most 255 printable ASCII characters: the same key cannot create a second job.
    """

    cluster: str | None
    priority: int | None
    env: Mapping[str, str] | None
    name: str | None
    idempotency_key: str | None


_OVERRIDES = ("cluster", "priority", "env", "name")
_OWN = (*_OVERRIDES, "idempotency_key")


class JobSubmission(Resource[Mode]):
    """The part of ``jobs`` that creates them."""

    @method
    async def submit(self: JobSubmission[Async], template: Template, **given: Unpack[SubmitOptions]) -> Job:
        """Submit a job.

        ``template``: a mapping with ``name`` and ``command`` (flat fields of the REST API) or ``spec`` (image, command as a
        list, container resources), or a ``JobTemplate``; overrides: see ``SubmitOptions``.  Returns the job, ``pending``.

        Raises ``ValidationError`` if the server refuses it, ``SubmitOutcomeUnknown`` if the connection failed and neither a
        repeat with the same idempotency key nor a look-up could tell whether the job was created.
        """
        overrides: dict[str, Any] = {name: given.get(name) for name in _OVERRIDES}
        body = submission(template, **overrides)
        options: dict[str, Any] = {name: value for name, value in given.items() if name not in _OWN}
        request = Request(
            "POST", "/jobs", one(Job), json=body, safety=Safety.KEYED, idempotency_key=given.get("idempotency_key")
        )

        async def find(key: str) -> Job | None:
            return await self.find(key, **options)

        try:
            return await self._send(request, options)
        except SubmitOutcomeUnknown as unknown:
            return await settled(self._sender, request, unknown, options, find)
        except ConflictError as conflict:
            repeated = len(conflict.attempts) > 1 and conflict.idempotency_key
            if repeated and (job := await looked_up(conflict, find)):
                return job
            raise

    @method
    async def find(self: JobSubmission[Async], idempotency_key: str, **options: Unpack[CallOptions]) -> Job | None:
        """Return the job that was submitted with ``idempotency_key``, ``None`` if there is none.

        Raises ``VantageAPIError`` with code ``not_supported`` if the server cannot look jobs up by key.
        """
        if not isinstance(idempotency_key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"idempotency_key takes text, not {type(idempotency_key).__name__}")
        if not idempotency_key:
            raise ValueError("idempotency_key is empty")
        query = {"idempotency_key": idempotency_key, "limit": 2}
        try:
            page = await self._send(Request("GET", "/jobs", JOBS, query=query), options)
        except ValidationError as error:
            if self._sender.shared.honours_keys:
                raise
            raise _cannot_find() from error
        found = next((job for job in page if job.idempotency_key == idempotency_key), None)
        if found is None and not self._sender.shared.honours_keys:
            raise _cannot_find()
        return found

    @method
    async def submit_many(
        self: JobSubmission[Async],
        templates: Iterable[Template],
        *,
        concurrency: int = CONCURRENCY,
        **given: Unpack[SubmitOptions],
    ) -> Sequence[Job]:
        """Submit several jobs, at most ``concurrency`` at a time (default 8); overrides apply to each.

        Returns the jobs in the order of their templates.  All templates are checked before the first is sent.  The first
        failure stops what has not begun and is raised; its note says how many were submitted.
        """
        if given.get("idempotency_key") is not None:
            raise ValueError("idempotency_key belongs to one job: submit_many makes one for each")
        done: list[Job] = []

        async def submit(template: Template) -> Job:
            job = await self.submit(template, **given)
            done.append(job)
            return job

        calls = [partial(submit, template) for template in templates]
        overrides: dict[str, Any] = {name: given.get(name) for name in _OVERRIDES}
        for call in calls:
            submission(call.args[0], **overrides)
        try:
            return await self._sender.io.gather(calls, workers(concurrency))
        except Exception as error:
            error.add_note(
                f"{len(done)} of {len(calls)} jobs were submitted: {', '.join(job.id for job in done) or 'none'}"
            )
            raise

    @method
    async def submit_from_file(self: JobSubmission[Async], path: str | Path, **given: Unpack[SubmitOptions]) -> Job:
        """Submit the job described in a YAML or JSON file: the mapping that ``submit`` takes; overrides alike.

        YAML is read strictly: duplicate keys, aliases, tags and words that YAML 1.1 turns into something else (``no``,
        ``12:30``) raise ``JobFileError`` with line and column.  A missing file raises ``FileNotFoundError``.
        """
        from vantage_sdk.core.job_file import MAX_BYTES, load_job_file  # YAML loads when it is needed

        data = await self._sender.io.read_file(Path(path), MAX_BYTES)
        return await self.submit(load_job_file(data, str(path)), **given)


def _cannot_find() -> VantageAPIError:
    return VantageAPIError("this server cannot look jobs up by idempotency key", code="not_supported")


def workers(concurrency: int) -> int:
    if not is_whole(concurrency, 1):
        raise ValueError(f"concurrency is a number from 1, not {concurrency!r}")
    return concurrency
