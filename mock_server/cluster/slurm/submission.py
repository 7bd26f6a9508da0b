"""A request in Slurm's terms: the script, and what goes with it."""

from __future__ import annotations

import math
import os
import posixpath
import re
import shlex
from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import RequestError, UnsupportedError
from mock_server.cluster.slurm import starting
from mock_server.cluster.slurm.deadlines import minutes
from mock_server.cluster.slurm.identity import slurm_key

if TYPE_CHECKING:
    from mock_server.cluster.job import JobRequest
    from mock_server.cluster.slurm.settings import SlurmSettings

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PRETENDED = "run-model"
"""The program by which the simulation pretends to run an image."""

_MEMBER = """\
file=$(mktemp) && cat > "$file" && chmod u+x "$file" && exec 3< "$file" && rm -- "$file" || exit 1
unset file
exec /proc/self/fd/3 < /dev/null"""
"""How a member of a gang becomes a script that it reads from standard input, and leaves no file behind."""

_PLACE = re.compile(r"%(\d{0,2})([A-Za-z%])", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MEGABYTE = 2**20


def located(request: JobRequest, settings: SlurmSettings) -> JobRequest:
    """Return the request with the paths where its output will really be.

    Without a working directory it runs in its output directory, which Slurm is not told: the id of the job is in it.
    """
    starting.check_output_path(request)
    _check_whole(request)
    given = request.working_directory
    # A directory that the cluster's file system does not have would only make Slurm choose one.
    own = given if given is not None and os.path.isdir(given) else None
    directory = settings.directory if own is None else own
    name = "%A_%a" if request.array else "%j"
    return request._replace(
        working_directory=own,
        stdout_path=_path(request.stdout_path, directory) or f"{settings.directory}/{name}.out",
        stderr_path=_path(request.stderr_path, directory) or f"{settings.directory}/{name}.err",
    )


def script(request: JobRequest, settings: SlurmSettings) -> str:
    """Return the text that Slurm runs; a command that is no script itself becomes the body of one."""
    if not request.command.strip() or (request.image is not None and request.command.startswith(PRETENDED)):
        raise UnsupportedError("an image alone cannot run here without an OCI runtime; give a command")
    if request.gang is None:
        return starting.body(request, settings)
    return f"#!/bin/sh\n{starting.enter(request, settings)}\nexec srun --kill-on-bad-exit=1 sh -c {_members(request.command)}\n"


def _members(command: str) -> str:
    """Return what the shell of each member of a gang runs, and what srun gives to all of them on standard input.

    The script of a job runs once, on the first node; its members are started by srun, all of them or none.
    """
    if not command.startswith("#!"):
        return shlex.quote(f"{command}\n")
    end = "END"
    while end in command:
        end += "_"
    return f"{shlex.quote(_MEMBER)} << '{end}'\n{command}\n{end}"


def description(
    request: JobRequest, partition: str, comment: str, version: tuple[int, ...], settings: SlurmSettings
) -> dict[str, Any]:
    """Return the job beside its script; ``request`` has its paths already."""
    for name in request.environment:
        if not _VARIABLE.fullmatch(name):
            raise RequestError("environment", f"{name[:100]!r} is no name of a variable")
    path = PATH if settings.bin_directory is None else f"{settings.bin_directory}:{PATH}"
    environment = {"PATH": path, **request.environment, **starting.variables(request, settings)}
    job: dict[str, Any] = {
        "name": request.name,
        "partition": partition,
        "comment": comment,
        "environment": environment,
        "current_working_directory": request.working_directory or settings.directory,
        "standard_input": "/dev/null",
        "standard_output": request.stdout_path,
        "standard_error": request.stderr_path,
        "open_mode": "append",
        "requeue": True,
        "tasks": request.shares,
        "cpus_per_task": request.resources.cpus,
    }
    optional = {
        "account": request.account,
        "qos": None if request.qos == "normal" else request.qos,
        "time_limit": None if request.time_limit is None else minutes(request.time_limit),
        "hold": True if request.hold else None,
        "array": _array(request),
        "dependency": _dependency(request),
        "required_nodes": ",".join(request.required_nodes) or None,
    }
    job |= {name: value for name, value in optional.items() if value is not None}
    job |= _shape(request, version)
    if version >= (0, 0, 39):
        job["environment"] = [f"{name}={value}" for name, value in environment.items()]
    return job


def at_once(version: tuple[int, ...], now: float) -> Any:
    """Return the time of a job that may begin now, whatever Slurm has put it off to."""
    if version < (0, 0, 39):
        return "now"
    return int(now) if version < (0, 0, 40) else {"set": True, "infinite": False, "number": int(now)}


def expand(template: str, key: str, name: str, account: str) -> str:
    """Return the path that Slurm makes of a template for one job."""
    array, _, task = key.partition("_")
    values = {"j": array, "A": array, "a": task or "4294967294", "x": name, "u": account, "%": "%"}

    def fill(match: re.Match[str]) -> str:
        return values[match[2]].zfill(int(match[1] or 0)) if match[2] in "jAa" else values[match[2]]

    return _PLACE.sub(fill, template)


def _shape(request: JobRequest, version: tuple[int, ...]) -> dict[str, Any]:
    """Return how much of what the job needs, on each node or for each member of its gang."""
    asked, old = request.resources, version < (0, 0, 39)
    shape: dict[str, Any] = {}
    megabytes = math.ceil(asked.memory / _MEGABYTE)
    if request.gang is not None:
        if megabytes:
            shape["memory_per_cpu"] = math.ceil(megabytes / asked.cpus)
        if asked.gpus:
            shape["gpus_per_task" if old else "tres_per_task"] = str(asked.gpus) if old else f"gres/gpu:{asked.gpus}"
        return shape
    shape["tasks_per_node"] = 1
    if old:
        shape["nodes"] = [request.nodes, request.nodes]
    else:
        shape |= {"minimum_nodes": request.nodes, "maximum_nodes": request.nodes}
    if megabytes:
        shape["memory_per_node"] = megabytes
    if asked.gpus:
        shape["gres" if old else "tres_per_node"] = f"gpu:{asked.gpus}" if old else f"gres/gpu:{asked.gpus}"
    return shape


def _array(request: JobRequest) -> str | None:
    if not request.array:
        return None
    limit = "" if request.array_limit is None else f"%{request.array_limit}"
    return _ranges(request.array) + limit


def _ranges(numbers: tuple[int, ...]) -> str:
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def _dependency(request: JobRequest) -> str | None:
    words = [
        each.kind if each.job_id is None else f"{each.kind}:{slurm_key(each.job_id)}" for each in request.dependencies
    ]
    return ",".join(words) or None


def _check_whole(request: JobRequest) -> None:
    """Raise ``RequestError`` for a text that has a zero byte, where slurmrestd would cut it off without a word."""
    fields = {
        "command": [request.command],
        "name": [request.name],
        "account": [request.account or ""],
        "required_nodes": request.required_nodes,
        "environment": request.environment.values(),
    }
    for field, texts in fields.items():
        if any("\0" in text for text in texts):
            raise RequestError(field, "a character with the number 0 cannot be passed to Slurm")


def _path(template: str | None, directory: str) -> str | None:
    if template is None:
        return None
    if "\0" in template:
        raise RequestError("stdout_path", "no path has a NUL character")
    unknown = {match[2] for match in _PLACE.finditer(template)} - set("jAaxu%")
    if unknown:
        raise RequestError("stdout_path", f"this backend cannot follow a path with %{min(unknown)}")
    return posixpath.join(directory, template)
