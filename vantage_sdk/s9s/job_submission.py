"""Submitting jobs to S9S so that each exists once, whatever the network does."""

from __future__ import annotations

from typing_extensions import Unpack

from vantage_sdk.core.arguments import own
from vantage_sdk.core.request import Request, Safety
from vantage_sdk.core.resource import Async, Mode, Resource, method
from vantage_sdk.core.settling import settled
from vantage_sdk.exceptions import SubmitOutcomeUnknown
from vantage_sdk.models.base import nothing, one
from vantage_sdk.models.s9s_job import S9SJob
from vantage_sdk.s9s.submission import S9SSubmitOptions, submission

_OWN = own(S9SSubmitOptions)


class JobSubmission(Resource[Mode]):
    """The part of ``jobs`` that creates them."""

    @method
    async def submit(
        self: JobSubmission[Async], *, script: str, name: str | None = None, **given: Unpack[S9SSubmitOptions]
    ) -> S9SJob:
        """Submit a job.

        ``script``: the path of a script on the cluster, or a command line; ``name``: sent as ``job_name``; what else can be said
        of the job: see ``S9SSubmitOptions``.  Returns the job with ``job_id``, ``state`` and ``message``, and ``None`` for the rest.

        Raises ``ValidationError`` if the server refuses it, ``SubmitOutcomeUnknown`` if the connection failed and the job may
        have been created; repeating it with the ``idempotency_key`` of the error creates no second one where the server honours
        keys.
        """
        body = submission(name, script, given)
        options = {option: value for option, value in given.items() if option not in _OWN}
        request = Request(
            "POST", "/jobs", one(S9SJob), json=body, safety=Safety.KEYED, idempotency_key=given.get("idempotency_key")
        )
        try:
            return await self._send(request, options)
        except SubmitOutcomeUnknown as unknown:

            async def ask(_: str) -> None:
                """Look nothing up, which S9S cannot; but its answer tells whether it honours keys."""
                await self._send(Request("GET", "/status", nothing), options)

            return await settled(self._sender, request, unknown, options, ask)
