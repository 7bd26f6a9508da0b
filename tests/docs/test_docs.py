"""The pages are true: what they show runs and prints what they say, and nothing of the product is missing in them."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

import vantage_sdk
from mock_server import MockServer
from mock_server.__main__ import _parser
from mock_server.control import ControlAPI
from tests.docs.blocks import PAGES, ROOT, Block, PageError, blocks_of, name_of
from tests.docs.pages import Session
from tests.docs.shell import VARIABLE, make_targets, variables_in_code
from vantage_sdk import AsyncVantageClient, VantageClient, exceptions
from vantage_sdk.core.request import CallOptions, Safety
from vantage_sdk.core.retry import AMBIGUOUS, TABLE, Verdict
from vantage_sdk.fs import VantageFileSystem
from vantage_sdk.platform.billing import Billing
from vantage_sdk.platform.clusters import ClusterFilters, Clusters
from vantage_sdk.platform.job_submission import SubmitOptions
from vantage_sdk.platform.jobs import JobFilters, Jobs
from vantage_sdk.platform.listing import ListFilters
from vantage_sdk.platform.monitoring import Monitoring
from vantage_sdk.platform.storage import FileFilters, Storage
from vantage_sdk.platform.storage_directories import DirectoryOptions
from vantage_sdk.platform.teams import Teams
from vantage_sdk.platform.users import UserJobFilters, Users
from vantage_sdk.platform.webhooks import Webhooks
from vantage_sdk.s9s.events import Events
from vantage_sdk.s9s.exports import Exports
from vantage_sdk.s9s.jobs import Jobs as S9SJobs, S9SJobFilters
from vantage_sdk.s9s.metrics import Metrics
from vantage_sdk.s9s.nodes import Nodes
from vantage_sdk.s9s.partitions import Partitions
from vantage_sdk.s9s.reports import Reports
from vantage_sdk.s9s.submission import S9SSubmitOptions
from vantage_sdk.s9s.users import Users as S9SUsers
from vantage_sdk.workflows.keys import Keys
from vantage_sdk.workflows.node_types import NodeTypeList
from vantage_sdk.workflows.workflows import Workflows

DOCS = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md"))
TREE = "errors-and-retries.md"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A fresh server for one page, and the environment that leads to it."""
    fsspec.register_implementation("vantage", VantageFileSystem, clobber=True)
    VantageFileSystem.clear_instance_cache()
    with MockServer(clock="auto") as server:
        monkeypatch.setenv("VANTAGE_BASE_URL", server.url)
        monkeypatch.setenv("VANTAGE_API_KEY", "your-api-key")
        monkeypatch.setenv("S9S_API_URL", server.s9s_url)
        monkeypatch.setenv("S9S_API_TOKEN", "test_token_123")
        monkeypatch.setenv("VANTAGE_JOB_SERVICE_URL", server.url)
        monkeypatch.setenv("VANTAGE_JOB_SERVICE_TOKEN", "<token>")
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        monkeypatch.setenv("VANTAGE_STATE_DIR", str(tmp_path / "state"))
        yield Session(tmp_path, server.url)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_of_a_page_runs(page: Path, session: Session) -> None:
    blocks = [block for block in blocks_of(page) if not is_the_tree(block)]
    session.run(blocks)
    assert session.ran == len(blocks)


def is_the_tree(block: Block) -> bool:
    return block.page.name == TREE and block.text.startswith("VantageAPIError ")


# The runner itself: each of these pages must be refused.


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```python\nassert 1 == 2\n```", "AssertionError"),
        ("```python\nawait nothing\n```", "NameError"),
        ("```python\nprint('a')\n```\n\n```text\nb\n```", "what is printed"),
        ("```text\nb\n```", "no block before"),
        ("```\nx\n```", "neither run nor checked"),
        ("```rust\nx\n```", "neither run nor checked"),
        ("```python\nx", "not closed"),
        ("```python\ndef test_it():\n    assert 1 == 2\n```", "do not pass"),
        ("```bash\nmake coffee\n```", "no coffee"),
        ("```bash\nrm -rf build\n```", "nothing here knows"),
        ("```bash\nexport VANTAGE_COLOUR=red\n```", "does not read VANTAGE_COLOUR"),
        ("```bash\npython -m nosuch.module\n```", "no module nosuch.module"),
        ("```bash\nvantage-mock --clock sundial\n```", "does not start"),
        ("```bash\ncurl -s http://127.0.0.1:8000/v1/jobs\n```", "curl ends with 22"),
        ("<!-- not run: slow -->\n```python\n1\n```", "only bash lines"),
        ("<!-- not run: slow -->\n```bash\nmake demo\n```", "only bash lines"),
        ("<!-- not run: -->\n```bash\npip install x\n```", "nothing here knows"),
        ("```toml\n= 1\n```", "Invalid"),
    ],
)
def test_a_page_that_is_wrong_is_refused(text: str, problem: str, session: Session, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(Exception) as caught:
        session.run(blocks_of(page))
    assert problem in f"{type(caught.value).__name__}: {caught.value}"


def test_blocks_share_names_and_await_and_what_is_printed_is_compared(session: Session, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nimport asyncio\na = 1\n```\n```python\nawait asyncio.sleep(0)\nprint(a, 'x', 2)\n```\n"
        "```text\n1 ... 2\n```\n<!-- not run: installs -->\n```bash\npip install .\n```\n",
        encoding="utf-8",
    )
    session.run(blocks_of(page))
    assert session.ran == 4


# What the pages must mention.


def parameters_of(function: Any) -> list[str]:
    named = inspect.signature(function).parameters.values()
    return [each.name for each in named if each.name != "self" and each.kind is not each.VAR_KEYWORD]


def own(options: type[Any]) -> list[str]:
    """Return the keys of typed options without those that every method takes."""
    return sorted(options.__annotations__.keys() - CallOptions.__annotations__.keys())


def public(cls: type[Any]) -> list[str]:
    return [name for name in dir(cls) if not name.startswith("_")]


REST: dict[str, type[Any]] = {"teams": Teams, "users": Users, "billing": Billing, "monitoring": Monitoring}
REFERENCE = {"jobs": "jobs-and-clusters.md", "clusters": "jobs-and-clusters.md", "storage": "storage.md"}
REFERENCE |= dict.fromkeys(("workflows", "keys", "node_types"), "workflows.md")
REFERENCE |= {**dict.fromkeys(REST, "teams-billing-monitoring.md"), "webhooks": "webhooks.md"}
S9S: dict[str, type[Any]] = {
    "s9s.jobs": S9SJobs,
    "s9s.nodes": Nodes,
    "s9s.users": S9SUsers,
    "s9s.partitions": Partitions,
    "s9s.metrics": Metrics,
    "s9s.exports": Exports,
    "s9s.reports": Reports,
}
REFERENCE |= {**dict.fromkeys(S9S, "s9s.md"), "s9s.events": "events.md"}
NOUNS = {
    "jobs": Jobs,
    "clusters": Clusters,
    "storage": Storage,
    "workflows": Workflows,
    "keys": Keys,
    "node_types": NodeTypeList,
    **REST,
    "webhooks": Webhooks,
    **S9S,
    "s9s.events": Events,
}


def documented(resource: str) -> dict[str, list[str]]:
    """Return the methods in the reference tables of a resource with the names of their parameters."""
    text = (ROOT / "docs" / REFERENCE[resource]).read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `{resource}\.(\w+)\(([^`]*)\)` \|", text, re.MULTILINE)
    parts = {name: [part.strip() for part in given.split(",")] for name, given in rows}
    return {
        name: [re.split("[=:]", part)[0] for part in given if part not in ("", "*")] for name, given in parts.items()
    }


@pytest.mark.parametrize(("resource", "cls"), NOUNS.items())
def test_the_reference_has_every_method_with_its_parameters(resource: str, cls: type[Any]) -> None:
    expected = {name: parameters_of(getattr(cls, name)) for name in public(cls)}
    if cls is Jobs:
        expected["submit"] += own(SubmitOptions)
    assert {name: sorted(found) for name, found in documented(resource).items()} == {
        name: sorted(found) for name, found in expected.items()
    }


@pytest.mark.parametrize(
    ("resource", "options"),
    [
        ("jobs", JobFilters),
        ("jobs", SubmitOptions),
        ("clusters", ClusterFilters),
        ("storage", FileFilters),
        ("storage", DirectoryOptions),
        ("teams", ListFilters),
        ("users", UserJobFilters),
        ("webhooks", ListFilters),
        ("s9s.jobs", S9SJobFilters),
        ("s9s.jobs", S9SSubmitOptions),
    ],
)
def test_the_reference_has_every_option(resource: str, options: type[Any]) -> None:
    text = (ROOT / "docs" / REFERENCE[resource]).read_text(encoding="utf-8")
    assert [name for name in options.__annotations__ if not re.search(rf"\b{name}\b", text)] == []


@pytest.mark.parametrize("cls", [VantageClient, AsyncVantageClient])
def test_everything_public_of_a_client_is_in_the_reference(cls: type[Any]) -> None:
    text = (ROOT / "docs" / "jobs-and-clusters.md").read_text(encoding="utf-8")
    assert [name for name in public(cls) if f"`client.{name}" not in text] == []


def test_every_setting_of_a_client_is_in_the_configuration_page() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert [name for name in parameters_of(VantageClient.__init__) if f"`{name}" not in text] == []


def test_every_extra_is_in_the_configuration_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `([a-z0-9]+)` \| [^|]* \|$", text.partition("## Extras")[2].partition("\n## ")[0], re.MULTILINE
    )
    assert set(rows) == project["optional-dependencies"].keys() - {"dev", "bench"}


def test_every_public_name_is_in_the_docs() -> None:
    names = set(vantage_sdk.__all__) - {"__version__"}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", DOCS)] == []


def test_the_tree_of_errors_is_the_one_in_the_code() -> None:
    [tree] = [block.text for block in blocks_of(ROOT / "docs" / TREE) if is_the_tree(block)]
    assert tree in inspect.cleandoc(exceptions.__doc__ or "") + "\n"


def test_the_retry_table_is_the_one_in_the_code() -> None:
    words = {
        "yes": Verdict.AGAIN,
        "at once": Verdict.AT_ONCE,
        "if keys are honoured": Verdict.IF_HONOURED,
        "no": Verdict.NEVER,
    }
    rows = re.findall(
        r"^\| `([A-Z]+)` \|[^|]*\| ([^|]*) \| ([^|]*) \|$", (ROOT / "docs" / TREE).read_text(), re.MULTILINE
    )
    shown = {name: {Safety.IDEMPOTENT: words[first], Safety.KEYED: words[second]} for name, first, second in rows}
    assert shown == {cause.name: verdicts for cause, verdicts in TABLE.items()}


def test_the_ambiguous_causes_are_named() -> None:
    [sentence] = re.findall(r"After one of (.*?) the outcome", (ROOT / "docs" / TREE).read_text())
    assert set(re.findall(r"`(\w+)`", sentence)) == {cause.name for cause in AMBIGUOUS}


def test_variables_are_named_in_the_docs_as_in_the_code() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    shown = set(re.findall(VARIABLE, pages))
    in_jobs = {"VANTAGE_OUTPUT_DIRECTORY"}  # which the server gives to jobs
    assert shown - variables_in_code() - in_jobs == set()
    assert (
        variables_in_code() - set(re.findall(r"\b[A-Z0-9_]+\b", (ROOT / "docs" / "configuration.md").read_text()))
        == set()
    )


def test_make_targets_are_named_in_the_docs_as_in_the_makefile() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    shown = set(re.findall(r"`make ([a-z-]+)", pages))
    assert shown - make_targets() == set()
    assert make_targets() - shown == set()


def test_options_of_the_command_are_in_the_testing_page() -> None:
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    options = {option for action in _parser()._actions for option in action.option_strings if option.startswith("--")}
    rows = set(re.findall(r"^\| `(--[a-z0-9-]+)", text, re.MULTILINE))
    assert rows == options - {"--help"}


def test_the_control_routes_are_in_the_testing_page() -> None:
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z]+) /_mock([a-z/]*)", text, re.MULTILINE)
    with MockServer(clock="manual") as server:
        assert set(rows) == set(ControlAPI(server.app)._routes)


def test_errors_of_a_page_name_their_place(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text\n\n```sql\nselect 1\n```\n", encoding="utf-8")
    [block] = blocks_of(page)
    assert str(block.fail("no")) == "page.md:4: no\n    select 1\n"
    assert isinstance(block.fail("no"), PageError)
