"""How a job gets into its output directory: the first thing its script does, as the account of the job.

Where a shell reads the script, that is a line of it.  Another one stays as it is but for its first line, in which ``env -S``
starts a shell that enters the directory and becomes the interpreter; what that shell does is in a variable, because the
first line must be short.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from mock_server.cluster.backend import RequestError
from mock_server.cluster.slurm.files import DEPTH, ROOT, is_long, is_name
from mock_server.cluster.slurm.identity import PREFIXES

if TYPE_CHECKING:
    from mock_server.cluster.job import JobRequest
    from mock_server.cluster.slurm.settings import SlurmSettings

DIRECTORY = "VANTAGE_OUTPUT_DIRECTORY"
"""The variable that tells a job its output directory."""

ENTER = "VANTAGE_ENTER"
LINE = 250
"""How long the first line of a script may be; Linux knows 255 characters of it, 127 before 5.1."""

_SHELL = re.compile(r"#!\s*(\S*/env\s+)?(\S*/)?(ba|da|k|z)?sh(\s.*)?", re.ASCII)
_NUMBER = '"${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"'
"""What Slurm calls a job, as a shell that runs it says it."""


def check_output_path(request: JobRequest) -> None:
    """Raise ``RequestError`` if no stored file could be in the output path of a request."""
    names = () if request.output_path is None else directory_of(request).split("/")
    if not all(is_name(name) for name in names if name) or len(names) > DEPTH or is_long(f"{'/'.join(names)}/"):
        raise RequestError("output_path", "it is too long, or has characters that the path of a file cannot have")


def directory_of(request: JobRequest) -> str:
    """Return the directory that the output path of a request means, in the storage; nothing leads out of the root."""
    return posixpath.normpath("/" + (request.output_path or "").lstrip("/"))


def body(request: JobRequest, settings: SlurmSettings) -> str:
    """Return the script of a request."""
    is_script, entering = request.command.startswith("#!"), enter(request, settings)
    text = request.command if is_script else f"#!/bin/sh\n{request.command}\n"
    first, newline, rest = text.partition("\n")
    if not entering or not newline:
        return text
    if _SHELL.fullmatch(first):
        return f"{first}\n{entering}\n{rest}"
    return f"{_first_line(first)}\n{rest}"


def variables(request: JobRequest, settings: SlurmSettings) -> dict[str, str]:
    """Return what the first line of a script needs to enter a directory."""
    entering = enter(request, settings)
    is_read_by_another = request.command.startswith("#!") and not _SHELL.fullmatch(request.command.partition("\n")[0])
    if not entering or not is_read_by_another or request.gang is not None:
        return {}
    return {ENTER: f'unset {ENTER}; {entering}; exec "$@"'}


def enter(request: JobRequest, settings: SlurmSettings) -> str:
    """Return the line by which a shell makes the output directory and enters it, or ends; none if a job works elsewhere."""
    if request.working_directory is not None:
        return ""
    here, root = f'"${DIRECTORY}"', f"{settings.directory}/{ROOT}"
    if request.output_path:
        place, check = shlex.quote(root + directory_of(request)), ""
    else:
        place = shlex.quote(f"{root}/outputs/{PREFIXES[request.id_form]}") + _NUMBER
        # Every account may make directories there, and the number of the next job is no secret.
        check = f"[ -O {here} ] && [ ! -L {here} ] && "
    complaint = f'echo "the output directory cannot be used: ${DIRECTORY}" >&2'
    return (
        f"export {DIRECTORY}={place}; command -p mkdir -p -- {here} && {check}cd -- {here} && unset OLDPWD || "
        f"{{ {complaint}; exit 1; }}"
    )


def _first_line(given: str) -> str:
    interpreter = given[2:].strip(" \t").split(maxsplit=1)
    if not interpreter:
        return given  # which Slurm cannot start either way
    words = " ".join(_for_env(word) for word in ("/bin/sh", "-c", f'eval "${ENTER}"', "/bin/sh", *interpreter))
    line = f"#!/usr/bin/env -S {words}"
    if len(line.encode(errors="replace")) > LINE:
        raise RequestError("command", "its first line is too long; name a working_directory, or a shorter interpreter")
    return line


def _for_env(word: str) -> str:
    """Quote a word for ``env -S``, to which a backslash means something also between single quotes."""
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
