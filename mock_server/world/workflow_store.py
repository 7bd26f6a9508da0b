"""Workflows and their graphs.  Ids of workflows, nodes and edges are counted and never used twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mock_server.pipelines.graph import Edge, Graph, Node

if TYPE_CHECKING:
    from mock_server.auth import Credential
    from mock_server.world.users import User


@dataclass(slots=True)
class Workflow:
    """A workflow; one that is ``shared`` is seen by all of its organization."""

    id: int
    title: str
    description: str | None
    owner_id: str
    organization_id: str
    created_at: float
    modified_at: float
    is_active: bool = True
    shared: bool = False
    graph: Graph = field(default_factory=lambda: Graph((), ()))


@dataclass(frozen=True, slots=True)
class NodeDraft:
    """A node that has no id yet."""

    node_type: str
    node_role: str
    label: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EdgeDraft:
    """An edge between nodes by their places."""

    source: int
    target: int
    source_key: str
    target_key: str


class WorkflowStore:
    """All workflows, by id."""

    def __init__(self, users: Mapping[str, User], now: Callable[[], float]) -> None:
        self._users = users
        self._now = now
        self._workflows: dict[int, Workflow] = {}
        self._last = {"workflow": 0, "node": 300, "edge": 400}

    def __iter__(self) -> Iterator[Workflow]:
        return iter(self._workflows.values())

    def visible(self, credential: Credential) -> list[Workflow]:
        """Return what a key reaches: the user's own and shared ones, or all of the organization, oldest first."""
        return [workflow for workflow in self if self._reaches(credential, workflow)]

    def get(self, workflow_id: int, credential: Credential) -> Workflow | None:
        """Return a workflow that a key reaches."""
        workflow = self._workflows.get(workflow_id)
        return workflow if workflow is not None and self._reaches(credential, workflow) else None

    def add(self, workflow: Workflow) -> None:
        """Take in a workflow that exists from the start."""
        self._workflows[workflow.id] = workflow
        self._last["workflow"] = max(self._last["workflow"], workflow.id)

    def create(self, title: str, description: str | None, credential: Credential, graph: Graph) -> Workflow:
        """Make a workflow of the caller's."""
        now, user = self._now(), self._users[credential.user_id]
        number = self._next("workflow")
        workflow = Workflow(number, title, description, user.id, user.organization_id, now, now, graph=graph)
        self._workflows[number] = workflow
        return workflow

    def change(self, workflow: Workflow, changes: Mapping[str, Any], graph: Graph | None) -> None:
        """Change some fields and, if one is given, the whole graph."""
        for name, value in changes.items():
            setattr(workflow, name, value)
        if graph is not None:
            workflow.graph = graph
        workflow.modified_at = self._now()

    def delete(self, workflow: Workflow) -> None:
        """Remove a workflow with its graph."""
        del self._workflows[workflow.id]

    def graph(self, nodes: Sequence[NodeDraft], edges: Sequence[EdgeDraft]) -> Graph:
        """Give nodes and edges their ids."""
        numbered = tuple(
            Node(self._next("node"), node.node_type, node.node_role, node.label, node.config) for node in nodes
        )
        return Graph(
            numbered,
            tuple(
                Edge(
                    self._next("edge"),
                    numbered[edge.source].id,
                    numbered[edge.target].id,
                    edge.source_key,
                    edge.target_key,
                )
                for edge in edges
            ),
        )

    def _next(self, kind: str) -> int:
        self._last[kind] += 1
        return self._last[kind]

    def _reaches(self, credential: Credential, workflow: Workflow) -> bool:
        if workflow.owner_id == credential.user_id:
            return True
        organization = self._users[credential.user_id].organization_id
        return workflow.organization_id == organization and (credential.level == "client" or workflow.shared)
