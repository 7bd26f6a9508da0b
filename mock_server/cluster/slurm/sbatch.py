"""A job for ``sbatch``: its options, the environment and the script, none of which can become another."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mock_server.cluster.backend import RequestError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

WORDS = "v0.0.38"
"""The version of the REST interface in whose words a job is described here."""

# Without --ignore-pbs lines of a script that are meant for PBS or LSF would count wherever they are; without --propagate
# jobs could have the limits of the server's process.  "All" means nothing where a file has the variables, but if it is not
# said, Slurm 26.05 forgets the file.
_ALWAYS = ("--parsable", "--ignore-pbs", "--propagate=NONE", "--export=ALL")
_OPTIONS = {
    "name": "--job-name",
    "partition": "--partition",
    "comment": "--comment",
    "account": "--account",
    "current_working_directory": "--chdir",
    "standard_input": "--input",
    "standard_output": "--output",
    "standard_error": "--error",
    "open_mode": "--open-mode",
    "tasks": "--ntasks",
    "tasks_per_node": "--ntasks-per-node",
    "cpus_per_task": "--cpus-per-task",
    "qos": "--qos",
    "time_limit": "--time",
    "array": "--array",
    "dependency": "--dependency",
    "required_nodes": "--nodelist",
    "gres": "--gres",
    "gpus_per_task": "--gpus-per-task",
}
_MEGABYTES = {"memory_per_node": "--mem", "memory_per_cpu": "--mem-per-cpu"}
_FLAGS = {"hold": "--hold", "requeue": "--requeue"}
_ELSEWHERE = frozenset({"environment"})


def options(job: Mapping[str, Any]) -> list[str]:
    """Return the options for a job; each is one argument with its value, so that no value can be an option."""
    found: list[str] = list(_ALWAYS)
    for name, value in job.items():
        if name in _OPTIONS:
            found.append(f"{_OPTIONS[name]}={value}")
        elif name in _MEGABYTES:
            found.append(f"{_MEGABYTES[name]}={value}M")
        elif name in _FLAGS:
            found += [_FLAGS[name]] if value else []
        elif name == "nodes":
            least, most = value
            found.append(f"--nodes={least}-{most}")
        elif name not in _ELSEWHERE:
            raise KeyError(f"sbatch has no option for {name!r}")
    if "/" in job.get("required_nodes", ""):
        raise RequestError("required_nodes", "the name of a node has no slash")  # sbatch would read such a file
    return found


def variables(job: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment of a job; the directory from which it was submitted is not that of the server."""
    return {"SLURM_SUBMIT_DIR": job["current_working_directory"], **job["environment"]}


def plain(script: str) -> str:
    """Return a script without directives for ``sbatch``, which slurmrestd takes for the comments that they are.

    ``sbatch`` looks for them until the first line that is neither a comment nor empty.
    """
    lines = script.split("\n")
    for index, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("#"):
            break
        if line.startswith("#SBATCH"):
            lines[index] = f"# {line[1:]}"
    return "\n".join(lines)


@contextmanager
def environment_file(environment: Mapping[str, str]) -> Generator[int]:
    """Give a descriptor of a file in memory from which ``--export-file`` takes the variables.

    They end with a zero byte each, which none can contain: no value can become a variable, and none is seen by
    ``sbatch`` itself or in a list of processes.
    """
    content = bytearray()
    for name, value in environment.items():
        if "\0" in value:
            raise RequestError("environment", f"{name} contains a character with the number 0")
        try:
            content += f"{name}={value}".encode() + b"\0"
        except UnicodeEncodeError:
            raise RequestError("environment", f"{name} contains half a character") from None
    descriptor = os.memfd_create("environment")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)
