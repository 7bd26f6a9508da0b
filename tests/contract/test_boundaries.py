"""The lines between the parts of the project, as far as imports and names can show them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.contract.reference import ROOT

CODE = ("vantage_sdk", "mock_server", "tests", "examples", "benchmarks")
IO = "vantage_sdk/core/io/"
TRANSPORT = (
    "anyio",
    "asyncio",
    "concurrent",
    "httpcore",
    "httpx",
    "httptools",
    "select",
    "selectors",
    "sniffio",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "trio",
    "urllib.request",
)
HTTP = ("asyncio", "h11", "http", "httptools", "httpx", "socket", "ssl", "starlette", "uvicorn", "websockets")
EFFECTS = re.compile(
    r"open|time\.sleep|os\.(open|listdir|stat|scandir)|.+\.(read_bytes|read_text|write_bytes|write_text|stat|iterdir|unlink)"
)
EXCEPTIONS = {
    "vantage_sdk/_ownership.py": {"open", "os.listdir"},  # looks around before anything else may be imported
    "vantage_sdk/profiles.py": {"path.read_bytes", "path.stat"},  # reads the profile once, before there is a client
    "vantage_sdk/core/limiter.py": {"threading"},  # a lock that is held for a few lines
    "vantage_sdk/core/quota.py": {"threading"},  # the same
    "vantage_sdk/core/transfer/progress.py": {"threading"},  # the same
    "vantage_sdk/testing/instant.py": {"anyio"},  # takes the place of a port
}
THIRD_PARTY = {
    "pydantic": ("vantage_sdk/models/",),
    "pydantic_core": ("vantage_sdk/models/",),
    "tenacity": ("vantage_sdk/core/retry.py",),
    "yaml": ("vantage_sdk/core/job_file.py",),
    "tqdm": ("vantage_sdk/core/transfer/progress.py",),
    "google_crc32c": ("vantage_sdk/core/transfer/checksums.py",),
    "fsspec": ("vantage_sdk/fs.py", "vantage_sdk/fs_client.py"),
    "websockets": ("vantage_sdk/core/websocket.py",),
    "pytest": ("vantage_sdk/testing/",),
}
HEAVY = ("anyio", "asyncio", "httpcore", "httpx", "pydantic", "ssl", "tenacity", "trio", "yaml")
ELSEWHERE = ("/wo" + "rk/", "shared/" + "contract")


@dataclass(frozen=True)
class Import:
    """One imported module; ``typing`` only for type checkers, ``lazy`` only when a function runs."""

    module: str
    typing: bool = False
    lazy: bool = False

    def is_of(self, *packages: str) -> bool:
        return any(f"{self.module}.".startswith(f"{package}.") for package in packages)


def files(*folders: str, suffix: str = ".py") -> Iterator[str]:
    """Yield the files below folders, as paths from the root of the project."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob(f"*{suffix}")):
            if "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix()


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(), path)


@cache
def imports(path: str) -> frozenset[Import]:
    """Return everything that a file imports; ``from a import b`` counts as ``a.b``, which may be a module."""
    found: set[Import] = set()

    def visit(node: ast.AST, typing: bool, lazy: bool) -> None:
        if isinstance(node, ast.Import):
            found.update(Import(alias.name, typing, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.update(Import(f"{node.module}.{alias.name}", typing, lazy) for alias in node.names)
        for child in ast.iter_child_nodes(node):
            guarded = isinstance(node, ast.If) and child in node.body and "TYPE_CHECKING" in ast.unparse(node.test)
            visit(child, typing or guarded, lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    visit(tree(path), typing=False, lazy=False)
    return frozenset(found)


def effects(path: str) -> set[str]:
    """Return what a file does to the world by itself: the transport modules it imports, the side effects it calls."""
    modules = {
        found.module.partition(".")[0] for found in imports(path) if not found.typing and found.is_of(*TRANSPORT)
    }
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    names = {ast.unparse(node.func) for node in calls}
    opened = {ast.unparse(node.func) for node in calls if _opens_a_file(node)}
    hidden = {found.module for found in imports(path) if found.module in ("time.sleep", "os.open", "os.listdir")}
    return modules | hidden | opened | {name for name in names if EFFECTS.fullmatch(name)}


def _opens_a_file(call: ast.Call) -> bool:
    """Tell ``path.open("rb")`` from the ``open`` of a port, which takes no text."""
    is_open = isinstance(call.func, ast.Attribute) and call.func.attr == "open"
    return is_open and all(isinstance(argument, ast.Constant) for argument in call.args)


def offences(paths: Iterator[str], wrong: Callable[[Import], bool]) -> dict[str, list[str]]:
    found = {path: sorted({one.module for one in imports(path) if wrong(one)}) for path in paths}
    return {path: modules for path, modules in found.items() if modules}


def test_only_the_ports_touch_the_world() -> None:
    found = {path: effects(path) for path in files("vantage_sdk") if not path.startswith(IO)}
    assert {path: what for path, what in found.items() if what} == EXCEPTIONS


def test_the_ports_are_where_the_transport_is() -> None:
    used = set().union(*(effects(path) for path in files(IO)))
    assert used >= {"anyio", "httpcore", "httpx", "time.sleep", "path.open"}


def test_each_library_has_its_place() -> None:
    for library, places in THIRD_PARTY.items():
        users = [
            path for path in files("vantage_sdk") if any(one.is_of(library) and not one.typing for one in imports(path))
        ]
        assert users, f"nothing uses {library}"
        assert [path for path in users if not path.startswith(places)] == [], library


def test_resources_know_the_core_and_the_models_only() -> None:
    for family in ("jobservice", "platform", "s9s", "workflows"):
        allowed = ("core", "models", "pagination", "exceptions", family)
        packages = tuple(f"vantage_sdk.{name}" for name in allowed)
        assert not offences(
            files(f"vantage_sdk/{family}"),
            lambda one: (one.is_of("vantage_sdk") and not one.is_of(*packages)) or one.is_of("vantage_sdk.core.io"),  # noqa: B023
        )


def test_the_core_knows_no_endpoint() -> None:
    above = tuple(
        f"vantage_sdk.{name}"
        for name in ("base_client", "client", "job_service_client", "jobservice", "platform", "resources", "s9s")
        + ("s9s_client", "testing", "waiting", "workflows")
    )
    assert not offences(files("vantage_sdk/core", "vantage_sdk/models"), lambda one: one.is_of(*above))


def test_the_server_and_the_sdk_do_not_know_each_other() -> None:
    assert not offences(files("mock_server"), lambda one: one.is_of("vantage_sdk"))
    assert not offences(
        (path for path in files("vantage_sdk") if not path.startswith("vantage_sdk/testing/")),
        lambda one: one.is_of("mock_server"),
    )
    assert not offences(
        files("vantage_sdk/testing"), lambda one: one.is_of("mock_server") and not (one.lazy or one.typing)
    )


def test_the_tests_are_no_part_of_the_product() -> None:
    assert not offences(files("vantage_sdk", "mock_server", "examples"), lambda one: one.is_of("tests"))


@pytest.mark.parametrize("part", ["cluster", "pipelines", "storage"])
def test_what_is_simulated_knows_no_http(part: str) -> None:
    def is_foreign(one: Import) -> bool:
        return one.is_of(*HTTP) or (one.is_of("mock_server") and not one.is_of(f"mock_server.{part}"))

    simulated = (path for path in files(f"mock_server/{part}") if "/slurm/" not in path)
    assert not offences(simulated, is_foreign)


def test_the_simulation_knows_nothing_of_the_real_cluster() -> None:
    def is_real(one: Import) -> bool:
        return one.is_of("mock_server.cluster.slurm")

    others = (path for path in files("mock_server/cluster") if "/slurm/" not in path)
    assert not offences(others, is_real)


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import sys; before = {*sys.modules}; import vantage_sdk; print(*sorted({*sys.modules} - before))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = done.stdout.split()
    assert "vantage_sdk" in loaded
    assert [name for name in loaded if name.partition(".")[0] in HEAVY] == []
    assert [name for name in loaded if name.startswith("vantage_sdk.")] == [
        "vantage_sdk._exports",
        "vantage_sdk._ownership",
        "vantage_sdk._version",
    ]


def test_a_server_that_runs_no_workflow_does_without_the_row_engine() -> None:
    program = "import sys; import mock_server, mock_server.pipelines.engine; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert "mock_server.pipelines.catalogue" in done.stdout.split()
    assert "polars" not in done.stdout.split()


@pytest.mark.parametrize("name", ["ValidationError", "JobFailedError", "Attempt"])
def test_catching_an_error_loads_nothing_heavy_either(name: str) -> None:
    program = f"import sys; from vantage_sdk import {name}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert [module for module in done.stdout.split() if module in HEAVY] == []


def test_no_file_has_more_than_300_lines() -> None:
    counts = {path: len((ROOT / path).read_text().splitlines()) for path in files(*CODE)}
    assert {path: count for path, count in counts.items() if count > 300} == {}


def test_every_module_says_what_it_is() -> None:
    for path in files("vantage_sdk", "mock_server"):
        first = (ast.get_docstring(tree(path)) or "").partition("\n")[0]
        assert first.endswith((".", ":")), path


def test_the_project_names_no_place_outside_itself() -> None:
    texts = [*files(*CODE), *files("docs", suffix=".md"), "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml"]
    found = {path: [word for word in ELSEWHERE if word in (ROOT / path).read_text()] for path in texts}
    assert {path: words for path, words in found.items() if words} == {}
