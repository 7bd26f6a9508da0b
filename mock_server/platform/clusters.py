"""Clusters of the platform family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mock_server.cluster.node import ScalePolicy
from mock_server.platform.cluster_views import (
    ClusterNodePage,
    ClusterPage,
    ClusterUsage,
    ClusterView,
    embed,
    view_cluster,
    view_node,
    view_usage,
)
from mock_server.platform.lists import Listing, Paging, Period
from mock_server.routes import Call, Routes
from mock_server.validation import Maybe, StrictBody, StrictQuery, whole

if TYPE_CHECKING:
    from mock_server.cluster.node import Cluster

MAX_NODES = 1000
Nodes = Annotated[int, Field(ge=0, le=MAX_NODES), BeforeValidator(whole)]
Share = Annotated[float, Field(ge=0, le=1)]

routes = Routes("clusters", prefix="/v1")


class ClusterListing(Listing):
    """Filters of the cluster list."""

    status: str | None = Field(default=None, description="Only clusters in this state.")
    provider: str | None = Field(default=None, description="Only clusters of this provider.")
    region: str | None = Field(default=None, description="Only clusters in this region.")

    def wants(self, cluster: Cluster) -> bool:
        return (
            (self.status is None or cluster.status == self.status)
            and (self.provider is None or cluster.provider == self.provider)
            and (self.region is None or cluster.region == self.region)
        )


class ClusterDetail(StrictQuery):
    """What to embed in a cluster."""

    include: list[Literal["metrics", "nodes"]] = Field(
        default=[], description="Related data to embed; comma-joined or repeated."
    )


class UsagePeriod(Period):
    """The period to add up, else all of the cluster's life."""

    def bounds(self, created: float, now: float) -> tuple[float, float]:
        start = created if self.start is None else self.start
        return start, max(start, now if self.end is None else self.end)


class Scale(StrictBody):
    """A fixed size, or a range to stay in."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {
                    "required": ["nodes"],
                    "properties": {"min_nodes": False, "max_nodes": False, "target_utilization": False},
                },
                {"required": ["min_nodes", "max_nodes"], "properties": {"nodes": False}},
            ]
        }
    )

    nodes: Maybe[Nodes] = None
    min_nodes: Maybe[Nodes] = None
    max_nodes: Maybe[Nodes] = Field(default=None, description="Not below min_nodes.")
    target_utilization: Maybe[Share] = None

    @model_validator(mode="after")
    def _is_one_policy(self) -> Scale:
        ranged = (self.min_nodes, self.max_nodes, self.target_utilization) != (None, None, None)
        if (self.nodes is not None) == ranged:
            raise PydanticCustomError("mixed_policy", "Give either nodes, or min_nodes and max_nodes")
        if ranged and (self.min_nodes is None or self.max_nodes is None):
            raise PydanticCustomError("incomplete_range", "A range needs min_nodes and max_nodes")
        if self.min_nodes is not None and self.max_nodes is not None and self.min_nodes > self.max_nodes:
            raise PydanticCustomError("empty_range", "max_nodes must not be below min_nodes")
        return self


@routes.get("/clusters")
async def list_(call: Call[ClusterListing, None]) -> ClusterPage:
    """List clusters."""
    found = call.query.select(call.state.cluster.clusters.values(), call.query.wants)
    return {
        "clusters": [view_cluster(cluster) for cluster in call.query.cut(found)],
        "total": len(found),
        "page": call.query.number,
        "per_page": call.query.size,
    }


@routes.get("/clusters/{cluster_id}")
async def get(call: Call[ClusterDetail, None]) -> ClusterView:
    """Get cluster."""
    cluster = _cluster(call)
    return embed(view_cluster(cluster), call.state.cluster, cluster, call.query.include, call.state.time.now())


@routes.get("/clusters/{cluster_id}/usage")
async def usage(call: Call[UsagePeriod, None]) -> ClusterUsage:
    """Get cluster usage."""
    cluster = _cluster(call)
    start, end = call.query.bounds(cluster.created_at, call.state.time.now())
    return view_usage(cluster, call.state.cluster.usage(cluster.id, start, end))


@routes.get("/clusters/{cluster_id}/nodes")
async def nodes(call: Call[Paging, None]) -> ClusterNodePage:
    """Get cluster nodes."""
    cluster = _cluster(call)
    found = list(cluster.nodes.values())
    return {
        "cluster_id": cluster.id,
        "nodes": [view_node(node) for node in call.query.cut(found)],
        "total": len(found),
        "page": call.query.number,
        "per_page": call.query.size,
    }


@routes.post("/clusters/{cluster_id}/scale", assumed=True, conflicts=True)
async def scale(call: Call[None, Scale]) -> ClusterView:
    """Scale cluster."""
    policy = ScalePolicy(**call.body.model_dump(exclude_unset=True))
    return view_cluster(await call.state.cluster.scale(_cluster(call).id, policy))


def _cluster(call: Call[Any, Any]) -> Cluster:
    return call.state.cluster.cluster(call.path["cluster_id"])
