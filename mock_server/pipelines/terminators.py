"""Where rows leave a pipeline: the dashboard, a message, a file."""

from __future__ import annotations

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config, Empty, Name, Text
from mock_server.pipelines.delivery import Delivery, shown
from mock_server.pipelines.node_type import Category, NodeType, Step
from mock_server.pipelines.table import Table

TERMINATION = Category(2, "Termination")
SLACK = Category(14, "Slack")


class SlackMessage(Config):
    """Where a message goes, and what it says before its rows."""

    channel: Name
    message: Text | None = None


def passed(step: Step[Config]) -> pl.DataFrame:
    """Let the rows go on as they came."""
    return step.rows


def show(step: Step[Empty]) -> Delivery:
    """Put the rows on the dashboard."""
    return _delivery(step, "dashboard")


def post(step: Step[SlackMessage]) -> Delivery:
    """Send the rows to a channel."""
    return _delivery(step, step.config.channel, text=step.config.message or f"{step.rows.height} rows")


def _delivery(step: Step[Config], *to: str, text: str | None = None) -> Delivery:
    return Delivery(step.node.id, step.node.node_type, to, step.rows.height, shown(Table(step.rows)), text=text)


NODE_TYPES = (
    NodeType(
        "termination/dashboardOutput",
        TERMINATION,
        "Output to Dashboard",
        "terminator",
        "Show the rows on the dashboard",
        Empty,
        passed,
        show,
    ),
    NodeType(
        "slack/sendMessage",
        SLACK,
        "Send Message",
        "terminator",
        "Send the rows to a Slack channel",
        SlackMessage,
        passed,
        post,
        requires_credential=True,
    ),
)
