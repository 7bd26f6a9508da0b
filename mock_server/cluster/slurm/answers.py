"""What the answers of slurmrestd mean, in the words of the port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from mock_server.cluster.backend import (
    ClusterError,
    DeniedError,
    NotFoundError,
    RequestError,
    StateError,
    UnavailableError,
)
from mock_server.cluster.slurm.access import InDoubtError, UnansweredError

if TYPE_CHECKING:
    from mock_server.cluster.slurm.listing import Reply

SUBMIT = "job/submit"

_NOTHING_FOUND = 9003
"""The accounting has no such records: no error."""

_SILENT = frozenset({-1, 1000, 1007, 5005})
_SILENCE = ("authentication", "unspecified error", "zero bytes", "unexpected message")
"""What slurmrestd says when the controller broke the connection: because it does not know the token, or went away."""

_UNKNOWN_JOB = 2017
_ENDED = 2021
_UNKNOWN_NODE = 2018
_DENIED = frozenset({2002, 2003, 2010, 6010})
_LATER = frozenset({2007, 2019, 2020, 2090, 2103, 2105})
"""Refusals that say nothing of the request, only that Slurm cannot do it now."""

_FIELDS = {
    **dict.fromkeys((2000, 2001, 2070, 2101), "partition"),
    **dict.fromkeys((2004, 2006, 2015, 2018), "nodes"),
    **dict.fromkeys((2005, 2008, 2014, 2025, 2041, 2044, 2069, 2072, 2115), "resources"),
    **dict.fromkeys((2051, 2054), "time_limit"),
    **dict.fromkeys((2038, 2071), "dependencies"),
    **dict.fromkeys((2050, 2066), "qos"),
    2045: "account",
    2081: "array",
}


def _errors(content: Any) -> list[tuple[int, str]]:
    """Return number and text of each error that an answer names."""
    listed = cast("dict[str, Any]", content).get("errors") if isinstance(content, dict) else None
    errors: list[dict[str, Any]] = listed or []
    found: list[tuple[int, str]] = []
    for error in errors:
        numbers = (error.get(name) for name in ("error_number", "error_code", "errno"))
        number = next((value for value in numbers if isinstance(value, int)), 0)
        if not number and not error.get("error"):
            continue  # so does 22.05 list what it has done to each task of an array
        if number != _NOTHING_FOUND:
            found.append((number, str(error.get("error") or error.get("description") or "")))
    return found


def _not_cancelled(content: Any) -> list[tuple[int, str]]:
    """Return number and text of each job that was not cancelled, unless because it had ended.

    So does slurmrestd from 24.11 on refuse a cancellation: with status 200 and without errors.
    """
    listed = cast("dict[str, Any]", content).get("status") if isinstance(content, dict) else None
    jobs = cast("list[dict[str, Any]]", listed) if isinstance(listed, list) else []
    errors: list[dict[str, Any]] = [job.get("error") or {} for job in jobs]
    return [(error["code"], str(error.get("string"))) for error in errors if error.get("code") not in {None, 0, _ENDED}]


def lacks_names_only(content: Any) -> bool:
    """Tell whether all that is wrong with an answer is that names, as of a quality of service, are in the accounting.

    From 23.11 on Slurm asks slurmdbd for them; while that is away, the answer has everything else.
    """
    errors: list[Any] = (cast("dict[str, Any]", content).get("errors") or []) if isinstance(content, dict) else []
    return bool(errors) and all(
        isinstance(error, dict) and str(cast("dict[str, Any]", error).get("source")).startswith("slurmdb_")
        for error in errors
    )


def no_token(account: str) -> UnavailableError:
    return UnavailableError(f"Slurm refused the token of {account}: it has expired or is none")


def may_be_the_token(answer: Reply) -> bool:
    """Tell whether it may be the token that was refused; a controller that is away looks much the same."""
    if answer.status_code < 500:
        return answer.status_code == 401
    try:
        errors = _errors(answer.json())
    except ValueError:
        return False
    return any(number in _SILENT or text.lower().startswith(_SILENCE) for number, text in errors)


def checked(answer: Reply, path: str) -> dict[str, Any]:
    """Return the content of a good answer; errors in an answer with status 200 are errors as well."""
    try:
        content: Any = answer.json()
    except ValueError:
        content = None
    if path == SUBMIT and isinstance(content, dict) and job_number(cast("dict[str, Any]", content)):
        # What is wrong with a job that has been taken in is only why it waits: held, say, or all nodes are down.
        return cast("dict[str, Any]", content)
    if lacks_names_only(content) and isinstance(cast("dict[str, Any]", content).get(path), list):
        return cast("dict[str, Any]", content)
    if errors := _errors(content) or _not_cancelled(content):
        raise _refusal(*errors[0], path)
    if answer.is_error or not isinstance(content, dict):
        # Something between here and slurmrestd speaks, and knows nothing of what became of the request.
        raise UnansweredError(f"slurmrestd answered with status {answer.status_code} and nothing that it says")
    return cast("dict[str, Any]", content)


def job_number(content: dict[str, Any]) -> int | None:
    """Return the number of a job that has been taken in."""
    number = content.get("job_id")
    return number if isinstance(number, int) and number > 0 else None


def _refusal(number: int, text: str, path: str) -> ClusterError:
    """Return what an error of Slurm means to a caller."""
    key = path.partition("/")[2].partition("?")[0]
    message = f"Slurm: {text}" if text else f"Slurm reported error {number}"
    if number == _UNKNOWN_NODE and path.startswith("node/"):
        return NotFoundError("node", key)
    if number == _UNKNOWN_JOB and path != SUBMIT:
        return NotFoundError("job", key)
    if number in _DENIED:
        return DeniedError(message)
    if number in _LATER:
        return UnavailableError(message)
    if number in _FIELDS:
        return RequestError(_FIELDS[number], message)
    if 2000 <= number < 3000:
        return RequestError("job", message) if path == SUBMIT else StateError(message)
    lowered = text.lower()
    if number in _SILENT or lowered.startswith(_SILENCE):
        # The controller may have got it before the connection broke.
        return InDoubtError(f"Slurm is not available, or does not accept the token: {text}")
    if 1000 <= number < 2000 or any(word in lowered for word in ("contact", "connect", "timed out")):
        return InDoubtError(f"Slurm is not available: {text}")
    return ClusterError(message)
