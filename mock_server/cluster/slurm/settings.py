"""Where a Slurm cluster is and how the server uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


DIRECTORY = "/tmp/vantage-slurm"  # noqa: S108  (made with care, see ``cluster.prepare``)


@dataclass(frozen=True, slots=True)
class SlurmSettings:
    """What the server must know of a Slurm cluster.

    ``url`` is that of slurmrestd, without the version; without one Slurm's commands are used.  Jobs run as the account
    that ``users`` has for the id of the submitter, else as ``user``; ``operator`` is the account that changes
    priorities, holds jobs and cancels those of others, by default ``user`` itself.  ``token`` or ``token_file`` is a
    JSON Web Token for all of them; without one the environment's ``SLURM_JWT`` is, and without that ``scontrol token``
    makes one for each account, which only root and Slurm's own user may ask for.

    ``directory`` is where jobs write their output: an absolute path that the nodes have as well and those accounts may
    write to.  ``slurm_conf`` is for the commands that the server runs, ``bin_directory`` where they are, here and on
    the nodes, if not on PATH; that of jobs begins with it.  ``partition`` is the default one, for commands that do not
    tell which it is.  ``cluster_name`` is what clients call the cluster.  ``timeout``, ``shortest_pause`` and
    ``longest_pause`` are seconds: how long an answer may take, and how often the state is asked for while jobs run and
    while none does.  ``settle`` are the seconds that slurmrestd may go on with a submission that got no answer, for
    which a repeat has to wait: longer than Slurm's ``MessageTimeout`` twice.
    """

    url: str | None = None
    user: str = "nobody"
    users: Mapping[str, str] = field(default_factory=dict[str, str])
    operator: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    directory: str = DIRECTORY
    slurm_conf: str | None = None
    bin_directory: str | None = None
    cluster_name: str = "slurm"
    timeout: float = 10.0
    settle: float = 60.0
    shortest_pause: float = 0.2
    longest_pause: float = 5.0
    partition: str | None = None

    def __post_init__(self) -> None:
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"the URL of slurmrestd must begin with http:// or https://, but is {self.url!r}")
        if not self.directory.startswith("/"):
            raise ValueError(f"the directory for output must be absolute, but is {self.directory!r}")
        if not 0 < self.shortest_pause <= self.longest_pause:
            raise ValueError("shortest_pause must be above 0 and not above longest_pause")

    def account(self, user_id: str) -> str:
        """Return the account that runs the jobs of a user."""
        return self.users.get(user_id, self.user)

    @property
    def address(self) -> str:
        """Where slurmrestd answers."""
        if self.url is None:
            raise ValueError("there is no slurmrestd here: its URL is missing")
        return self.url

    @property
    def acting(self) -> str:
        """The account that acts on jobs and asks about the cluster."""
        return self.operator or self.user
