"""The API families that the server speaks, in the order in which they claim paths."""

from __future__ import annotations

from mock_server.documents import routes as documents
from mock_server.platform import (
    billing,
    clusters,
    jobs,
    monitoring,
    storage,
    team_members,
    teams,
    uploads,
    users,
    webhooks,
)
from mock_server.platform.dialect import PLATFORM
from mock_server.routes import Family

FAMILIES = (
    Family(
        PLATFORM,
        (
            *(*jobs.routes.endpoints, *clusters.routes.endpoints, *storage.routes.endpoints),
            *(*uploads.routes.endpoints, *teams.routes.endpoints, *team_members.routes.endpoints),
            *(*users.routes.endpoints, *billing.routes.endpoints, *monitoring.routes.endpoints),
            *webhooks.routes.endpoints,
            *documents.endpoints,
        ),
    ),
)
