"""Messages, channels and members of a Slack workspace."""

from __future__ import annotations

from functools import partial

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.node_type import Category
from mock_server.pipelines.sources.draws import Draws, tokens
from mock_server.pipelines.sources.getters import entities_of, events_of, getter
from mock_server.pipelines.sources.reading import Reading, TimedReading, Wanted

SLACK = Category(14, "Slack")
MEMBERS = 25
_CHANNELS = ("#general", "#sales-alerts", "#support", "#engineering", "#releases")


class Messages(TimedReading):
    channel: Wanted = None
    user: Wanted = None


class Channels(Reading):
    is_private: bool | None = None


class Users(Reading):
    is_bot: bool | None = None


def _message(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    return {
        "message_id": draws.tokens("id", "msg_"),
        "channel": draws.choice("channel", *_CHANNELS),
        "user": tokens(draws.seed, "slack.users.id", draws.below("user", MEMBERS), "U", 8),
        "text": draws.choice("text", "Deployed", "On it", "Done", "Who can take this?", "New order", "Back in an hour"),
        "created": times,
        "reply_count": draws.below("replies", 6),
        "reaction": draws.sometimes("reacted", 40, draws.choice("reaction", "+1", "eyes", "tada")),
    }


def _channel(draws: Draws) -> dict[str, pl.Series]:
    return {
        "channel_id": draws.tokens("id", "C", 8),
        "name": pl.Series(_CHANNELS, dtype=pl.String),
        "is_private": draws.flags("private", 20),
        "member_count": draws.between("members", 3, MEMBERS),
    }


def _user(draws: Draws) -> dict[str, pl.Series]:
    return {
        "user": draws.tokens("id", "U", 8),
        "name": pl.select(pl.lit("user") + draws.numbers.cast(pl.String)).to_series(),
        "is_bot": draws.flags("bot", 15),
        "timezone": draws.choice("timezone", "UTC", "Europe/Berlin", "America/New_York"),
    }


_type = partial(getter, SLACK, "slack")
_events = partial(events_of, "slack")
_entities = partial(entities_of, "slack")

NODE_TYPES = (
    _type("listMessages", "List Messages", "messages from Slack", Messages, _events("messages", 3600, _message)),
    _type(
        *("listChannels", "List Channels", "the channels of a Slack workspace", Channels),
        _entities("channels", len(_CHANNELS), _channel),
    ),
    _type(
        *("listUsers", "List Users", "the members of a Slack workspace", Users),
        _entities("users", MEMBERS, _user),
    ),
)
