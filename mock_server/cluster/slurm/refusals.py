"""What Slurm's commands say when they fail, in the words of the port; they have no numbers to tell it by."""

from __future__ import annotations

from mock_server.cluster.backend import (
    ClusterError,
    DeniedError,
    NotFoundError,
    RequestError,
    StateError,
    UnsupportedError,
)
from mock_server.cluster.slurm.access import InDoubtError, UnansweredError

_NOT_THERE = "accounting storage is disabled"
_OLD = ("unrecognized option", "invalid option", "plugin loaded", "serializer")
_AWAY = (
    "unable to contact",
    "connect failure",
    "connection failure",
    "connection refused",
    "unexpected message received",
    "configuration source",
    "authentication",
    "munge",
    "standby mode",
    "credential",
    "try again",
    "temporarily",
)
_SILENT = ("timed out", "zero bytes", "zero length", "receive failure", "send failure", "message length")
_DENIED = ("permission", "invalid user id", "not authorized", "not permitted", "only root", "invalid account")
_FIELDS = {
    "partition name": "partition",
    "partition specified": "partition",
    "no partition": "partition",
    "not in this partition": "nodes",
    "node configuration": "resources",
    "partition configuration": "resources",
    "memory": "resources",
    "processors": "resources",
    "core count": "resources",
    "gres": "resources",
    "cpu count": "resources",
    "task count": "resources",
    "node count": "nodes",
    "node name": "nodes",
    "job array": "array",
    "dependency": "dependencies",
    "time limit": "time_limit",
    "qos spec": "qos",
    "batch script": "command",
    "line must start": "command",
}


def refusal(text: str, job: str | None = None) -> ClusterError:
    """Return the error that a failure of a command stands for; ``job`` is what it was about."""
    lowered, message = text.lower(), f"Slurm refused: {text}"
    if (trouble := _trouble(text)) is not None:
        return trouble
    if job is not None and "invalid job id" in lowered:
        return NotFoundError("job", job)
    if _has(lowered, _DENIED):
        return DeniedError(message)
    if "reason" in lowered:
        return RequestError("reason", message)
    return StateError(message)


def submission_refusal(text: str) -> ClusterError:
    """Return the error that a failure of ``sbatch`` stands for."""
    lowered, message = text.lower(), f"Slurm: {text}"
    if (trouble := _trouble(text)) is not None:
        return trouble
    if _has(lowered, _DENIED):
        return DeniedError(message)
    for words, field in _FIELDS.items():
        if words in lowered:
            return RequestError(field, message)
    return RequestError("job", message) if "submission failed" in lowered else ClusterError(message)


def _trouble(text: str) -> ClusterError | None:
    """Return what keeps Slurm from answering at all, ``None`` if it has answered."""
    lowered = text.lower()
    if _NOT_THERE in lowered:
        return UnsupportedError(text)
    if _has(lowered, _OLD):
        return UnsupportedError(f"needs commands of Slurm that know --json, which is 21.08 or newer: {text}")
    # The last line says what it comes to; those before it name sockets and files of the site.
    said = text.rpartition("; ")[2]
    if _has(lowered, _SILENT):
        return UnansweredError(f"Slurm did not answer: {said}")
    if _has(lowered, _AWAY):
        return InDoubtError(f"Slurm is not available: {said}")
    return None


def _has(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)
