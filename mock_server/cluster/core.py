"""What all clusters of one backend share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_server.cluster.agenda import Agenda
    from mock_server.cluster.dependencies import Dependencies
    from mock_server.cluster.facility import Facility
    from mock_server.cluster.history import History
    from mock_server.cluster.lifecycle import Lifecycle
    from mock_server.cluster.limits import Limits
    from mock_server.cluster.lines import Lines
    from mock_server.cluster.node import Node
    from mock_server.cluster.planning import Policy
    from mock_server.cluster.ranking import Ranking


@dataclass(frozen=True, slots=True)
class Core:
    """One clock, one history, and the rules that hold beyond a single cluster."""

    agenda: Agenda
    history: History
    lifecycle: Lifecycle
    facility: Facility
    limits: Limits
    ranking: Ranking
    lines: Lines
    dependencies: Dependencies
    policy: Policy | None
    preempts: bool
    load: Callable[[Node], float]
    seed: int
