"""What a job waits for, also where Slurm has forgotten it (``MinJobAge``).

To Slurm 22.05 a job that it does not know has ended as was wished, so one that depends on it starts although the other has
failed; later ones refuse what depends on the success of such a job, although it has succeeded.  The server knows better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mock_server.cluster.backend import NotFoundError, RequestError
from mock_server.cluster.dependencies import Condition
from mock_server.cluster.slurm.identity import slurm_key

if TYPE_CHECKING:
    from mock_server.cluster.job import Dependency, JobRequest
    from mock_server.cluster.slurm.access import Access
    from mock_server.cluster.slurm.roster import Roster


async def unmet(request: JobRequest, roster: Roster, slurm: Access) -> tuple[Dependency, ...]:
    """Return the dependencies of a request that are not met yet, which are left to Slurm.

    Raises ``RequestError`` for a job that there is not, and for one that Slurm has forgotten and that has ended otherwise
    than was wished.
    """
    left: list[Dependency] = []
    never: list[str] = []
    for dependency in request.dependencies:
        met = None if dependency.job_id is None else _condition(dependency.kind, dependency.job_id, roster).holds()
        if met is not True:
            left.append(dependency)
        if met is False and dependency.job_id is not None:
            never.append(dependency.job_id)
    if never:
        listed = {record.array_job_id or record.job_id for record in await slurm.jobs()}
        for job_id in never:
            if int(slurm_key(job_id).partition("_")[0]) not in listed:
                raise RequestError("dependencies", f"job {job_id!r} has not ended so that this one would start")
    return tuple(left)


def _condition(kind: str, job_id: str, roster: Roster) -> Condition:
    try:
        return Condition(kind, roster.several(job_id))
    except NotFoundError:
        raise RequestError("dependencies", f"there is no job {job_id[:100]!r}") from None
