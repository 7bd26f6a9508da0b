"""Jobs whose end was not seen and that Slurm does not list any more: it forgets them, also while the server is away."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from mock_server.cluster.backend import UnavailableError
from mock_server.cluster.slurm.identity import slurm_key

if TYPE_CHECKING:
    from mock_server.cluster.slurm.accounting import Accounting
    from mock_server.cluster.slurm.roster import Roster

_log = logging.getLogger("mock_server")


async def judge(roster: Roster, accounting: Accounting) -> None:
    """End what is missing as the accounting has it; while that is away, it is left to the next look."""
    missing, roster.missing = roster.missing, []
    if not missing:
        return
    numbers = dict.fromkeys(slurm_key(job.id).partition("_")[0] for job in missing)
    try:
        found = {record.key: record for record in await accounting.find(numbers)}
    except UnavailableError as error:
        _log.info("jobs that Slurm does not list: %s", error)
        return
    for job in missing:
        if roster.active.get(job.id) is not job:
            continue  # it was deleted, or has ended, while the accounting was asked
        roster.judge(job, found.get(slurm_key(job.id)), time.time())
    roster.flush()
