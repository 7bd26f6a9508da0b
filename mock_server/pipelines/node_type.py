"""What a node type is: how it is listed, what its config may say, and what it does to rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from mock_server.pipelines.config import Config
from mock_server.pipelines.delivery import Delivery
from mock_server.pipelines.graph import Node
from mock_server.pipelines.table import Table

if TYPE_CHECKING:
    from mock_server.pipelines import lazy_polars as pl

Role = Literal["getter", "setter", "terminator"]
ROLES: tuple[Role, ...] = ("getter", "setter", "terminator")
Settings = TypeVar("Settings", bound=Config)
Source = Callable[[], Table]


@dataclass(frozen=True, slots=True)
class Category:
    """What node types are listed under."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class World:
    """What a run sees beside its graph; ``tables`` stand in for what a getter would make up, by node type."""

    seed: int
    now: float
    params: Mapping[str, Any]
    tables: Mapping[str, Source] = field(default_factory=dict[str, Source])


@dataclass(frozen=True, slots=True)
class Step(Generic[Settings]):
    """One node at work: its config and the rows that came in, by slot."""

    node: Node
    config: Settings
    inputs: Mapping[str, pl.DataFrame]
    world: World

    @property
    def rows(self) -> pl.DataFrame:
        """The rows of the first slot."""
        return self.inputs["input1"]


@dataclass(frozen=True, slots=True)
class NodeType:
    """``run`` makes the rows that leave the node, ``deliver`` says what leaves the pipeline there."""

    name: str
    category: Category
    label: str
    role: Role
    description: str
    config: type[Config]
    run: Callable[[Step[Any]], pl.DataFrame]
    deliver: Callable[[Step[Any]], Delivery] | None = None
    inputs: tuple[str, ...] = ("input1",)
    outputs: tuple[str, ...] = ("output1",)
    requires_credential: bool = False

    @property
    def required_inputs(self) -> tuple[str, ...]:
        """The slots that rows must come in at; an edge into a getter only says what it waits for."""
        return () if self.role == "getter" else self.inputs
