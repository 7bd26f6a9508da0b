"""What a result has in place of a client once it came out of a pickle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class _Port:
    """Does what needs no network."""

    suspends = False

    async def work(self, job: Callable[[], T]) -> T:
        return job()


class _Settings:
    deadline = None


class Detached:
    """A sender that sends nothing; there is one of it in each process."""

    io = _Port()
    config = _Settings()

    def decode(self, _: Any, answer: Any) -> Any:
        return answer

    async def fetch(self, *_: Any) -> Any:
        raise RuntimeError(
            "this result was copied from another process and has no client: "
            "client.workflows.iter_rows(result.workflow_id, result.result_id) fetches its rows"
        )

    def __reduce__(self) -> str:
        return "DETACHED"


DETACHED: Any = Detached()
