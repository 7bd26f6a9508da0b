"""Issues and changes, from GitHub and Jira."""

from __future__ import annotations

from functools import partial

from mock_server.pipelines import lazy_polars as pl
from mock_server.pipelines.node_type import Category
from mock_server.pipelines.sources.draws import Draws
from mock_server.pipelines.sources.getters import entities_of, events_of, getter
from mock_server.pipelines.sources.reading import DAY, Reading, TimedReading, Wanted

GITHUB = Category(6, "GitHub")
JIRA = Category(10, "Jira")
_REPOSITORIES = ("web", "api", "docs", "infra")
_TITLES = ("Crash on start", "Typo in the docs", "Slow query", "Add an option", "Update a dependency")


class GitHubIssues(TimedReading):
    repository: Wanted = None
    state: Wanted = None
    label: Wanted = None


class PullRequests(TimedReading):
    repository: Wanted = None
    state: Wanted = None


class Repositories(Reading):
    language: Wanted = None


class JiraIssues(TimedReading):
    project: Wanted = None
    status: Wanted = None
    priority: Wanted = None


def _github_issue(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    return {
        "issue_id": draws.tokens("id", "I_"),
        "number": draws.numbers.cast(pl.Int64) % 100_000,
        "repository": draws.choice("repository", *_REPOSITORIES),
        "title": draws.choice("title", *_TITLES),
        "state": draws.choice("state", "open", "closed", "closed"),
        "label": draws.sometimes("labelled", 75, draws.choice("label", "bug", "enhancement", "question")),
        "comments": draws.below("comments", 12),
        "created": times,
    }


def _pull_request(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    return {
        "pull_request_id": draws.tokens("id", "PR_"),
        "repository": draws.choice("repository", *_REPOSITORIES),
        "title": draws.choice("title", *_TITLES),
        "state": draws.choice("state", "open", "merged", "merged", "merged", "closed"),
        "additions": draws.below("additions", 800),
        "deletions": draws.below("deletions", 400),
        "created": times,
    }


def _repository(draws: Draws) -> dict[str, pl.Series]:
    return {
        "repository": pl.Series(_REPOSITORIES, dtype=pl.String),
        "language": draws.choice("language", "Python", "TypeScript", "Go"),
        "stars": draws.below("stars", 2_000),
        "open_issues": draws.below("open_issues", 40),
        "archived": draws.flags("archived", 10),
    }


def _jira_issue(draws: Draws, times: pl.Series) -> dict[str, pl.Series]:
    projects = draws.choice("project", "OPS", "WEB", "DATA")
    numbers = (draws.numbers.cast(pl.Int64) % 100_000).cast(pl.String)
    return {
        "issue_key": pl.select(pl.lit(projects) + pl.lit("-") + pl.lit(numbers)).to_series(),
        "project": projects,
        "summary": draws.choice("summary", *_TITLES),
        "status": draws.choice("status", "To Do", "In Progress", "Done", "Done"),
        "priority": draws.choice("priority", "Low", "Medium", "Medium", "High"),
        "story_points": draws.sometimes(
            "estimated", 70, draws.choice("points", "1", "2", "3", "5", "8").cast(pl.Int64)
        ),
        "created": times,
        "due_date": draws.sometimes("due", 50, times.dt.offset_by("14d").cast(pl.Date)),
    }


_type = partial(getter, GITHUB, "github")
_events = partial(events_of, "github")

NODE_TYPES = (
    _type("listIssues", "List Issues", "issues from GitHub", GitHubIssues, _events("issues", DAY // 3, _github_issue)),
    _type(
        *("listPullRequests", "List Pull Requests", "pull requests from GitHub", PullRequests),
        _events("pull_requests", DAY // 2, _pull_request),
    ),
    _type(
        *("listRepositories", "List Repositories", "repositories from GitHub", Repositories),
        entities_of("github", "repositories", len(_REPOSITORIES), _repository),
    ),
    getter(
        *(JIRA, "jira", "listIssues", "List Issues", "issues from Jira", JiraIssues),
        events_of("jira", "issues", DAY // 4, _jira_issue),
    ),
)
