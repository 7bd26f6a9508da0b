"""Where rows leave a pipeline: the dashboard, a message, a file."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.config import Config, Name, Text, listed
from mock_server.pipelines.delivery import Delivery, shown
from mock_server.pipelines.errors import TooLargeError
from mock_server.pipelines.node_type import Category, NodeType, Step
from mock_server.pipelines.sources.slack import SLACK
from mock_server.pipelines.table import Table

TERMINATION = Category(2, "Termination")
EMAIL = Category(4, "Email")
EXPORT = Category(5, "Export")
MAX_EXPORT = 100_000
"""How many rows a file can have."""

_MEDIA_TYPES = {"csv": "text/csv", "json": "application/json"}


Address = Annotated[str, Field(max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")]
Addresses = Annotated[list[Address], BeforeValidator(listed), Field(min_length=1, max_length=50)]


class Dashboard(Config):
    """What stands above the rows."""

    title: Text | None = None


class SlackMessage(Config):
    """Where a message goes, and what it says beside its rows."""

    channel: Name
    message: Text | None = None


class Email(Config):
    """Who gets a mail, and what it says beside its rows."""

    to: Addresses
    subject: Text | None = None
    message: Text | None = None


class Export(Config):
    """The file that rows are written to."""

    filename: Annotated[str, Field(pattern=r"^[\w][\w .-]{0,199}$")] | None = None
    format: Literal["csv", "json"] = "csv"


def passed(step: Step[Config]) -> pl.DataFrame:
    """Let the rows go on as they came."""
    return step.rows


def show(step: Step[Dashboard]) -> Delivery:
    """Put the rows on the dashboard."""
    return _delivery(step, "dashboard", subject=step.config.title)


def post(step: Step[SlackMessage]) -> Delivery:
    """Send the rows to a channel."""
    return _delivery(step, step.config.channel, text=step.config.message or _summary(step))


def mail(step: Step[Email]) -> Delivery:
    """Send the rows to addresses."""
    config = step.config
    return _delivery(step, *config.to, subject=config.subject or _summary(step), text=config.message)


def write(step: Step[Export]) -> Delivery:
    """Write the rows into a file."""
    if step.rows.height > MAX_EXPORT:
        raise TooLargeError(f"A file has at most {MAX_EXPORT:,} rows, not {step.rows.height:,}; put a limit before it")
    kind, table = step.config.format, Table(step.rows)
    text = json.dumps(table.rows()) if kind == "json" else table.csv()
    name = step.config.filename or f"export.{kind}"
    return _delivery(step, name, text=text, media_type=_MEDIA_TYPES[kind])


def _summary(step: Step[Any]) -> str:
    return f"{step.rows.height} {'row' if step.rows.height == 1 else 'rows'}"


def _delivery(
    step: Step[Any], *to: str, subject: str | None = None, text: str | None = None, media_type: str | None = None
) -> Delivery:
    rows = Table(step.rows)
    return Delivery(
        step.node.id,
        step.node.node_type,
        to,
        rows.total_rows,
        shown(rows),
        subject=subject,
        text=text,
        media_type=media_type,
    )


def _type(
    name: str, category: Category, label: str, description: str, config: type[Config], deliver: Any, *, private: bool
) -> NodeType:
    return NodeType(
        name, category, label, "terminator", description, config, passed, deliver, requires_credential=private
    )


NODE_TYPES = (
    _type(
        *("termination/dashboardOutput", TERMINATION, "Output to Dashboard", "Show the rows on the dashboard"),
        *(Dashboard, show),
        private=False,
    ),
    _type(
        *("slack/sendMessage", SLACK, "Send Message", "Send the rows to a Slack channel", SlackMessage, post),
        private=True,
    ),
    _type("email/sendEmail", EMAIL, "Send Email", "Send the rows by mail", Email, mail, private=False),
    _type("export/file", EXPORT, "Export File", "Write the rows into a CSV or JSON file", Export, write, private=False),
)
