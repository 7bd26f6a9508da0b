"""The attributes of a Vantage client, one noun of an API family each; what they need is loaded when they are first used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from vantage_sdk.core.dialect import WORKFLOWS
from vantage_sdk.core.resource import Mode, ResourceSet

if TYPE_CHECKING:
    from vantage_sdk.platform.billing import Billing
    from vantage_sdk.platform.clusters import Clusters
    from vantage_sdk.platform.jobs import Jobs
    from vantage_sdk.platform.monitoring import Monitoring
    from vantage_sdk.platform.storage import Storage
    from vantage_sdk.platform.teams import Teams
    from vantage_sdk.platform.users import Users
    from vantage_sdk.platform.webhooks import Webhooks
    from vantage_sdk.workflows.keys import Keys
    from vantage_sdk.workflows.node_types import NodeTypeList
    from vantage_sdk.workflows.workflows import Workflows


class Resources(ResourceSet[Mode]):
    """What a Vantage client offers, in one of its faces."""

    @cached_property
    def jobs(self) -> Jobs[Mode]:
        """Submit, follow, wait for and manage jobs."""
        from vantage_sdk.platform.jobs import Jobs

        return Jobs(self._sender, self._mode)

    @cached_property
    def clusters(self) -> Clusters[Mode]:
        """List, inspect and scale clusters."""
        from vantage_sdk.platform.clusters import Clusters

        return Clusters(self._sender, self._mode)

    @cached_property
    def storage(self) -> Storage[Mode]:
        """Upload, download, list and remove files."""
        from vantage_sdk.platform.storage import Storage

        return Storage(self._sender, self._mode)

    @cached_property
    def workflows(self) -> Workflows[Mode]:
        """Build, run and manage workflows, and read their results."""
        from vantage_sdk.workflows.workflows import Workflows

        return Workflows(self._sender.beside(WORKFLOWS), self._mode)

    @cached_property
    def keys(self) -> Keys[Mode]:
        """Create, list, change and revoke API keys."""
        from vantage_sdk.workflows.keys import Keys

        return Keys(self._sender.beside(WORKFLOWS), self._mode)

    @cached_property
    def node_types(self) -> NodeTypeList[Mode]:
        """List what the nodes of a workflow can be."""
        from vantage_sdk.workflows.node_types import NodeTypeList

        return NodeTypeList(self._sender.beside(WORKFLOWS), self._mode)

    @cached_property
    def teams(self) -> Teams[Mode]:
        """List teams, and see and change who belongs to them."""
        from vantage_sdk.platform.teams import Teams

        return Teams(self._sender, self._mode)

    @cached_property
    def users(self) -> Users[Mode]:
        """See and change your own profile, and list the jobs of a user."""
        from vantage_sdk.platform.users import Users

        return Users(self._sender, self._mode)

    @cached_property
    def billing(self) -> Billing[Mode]:
        """See what was used, what it costs, and invoices."""
        from vantage_sdk.platform.billing import Billing

        return Billing(self._sender, self._mode)

    @cached_property
    def monitoring(self) -> Monitoring[Mode]:
        """Fetch measurements of jobs and clusters."""
        from vantage_sdk.platform.monitoring import Monitoring

        return Monitoring(self._sender, self._mode)

    @cached_property
    def webhooks(self) -> Webhooks[Mode]:
        """Subscribe to events."""
        from vantage_sdk.platform.webhooks import Webhooks

        return Webhooks(self._sender, self._mode)
