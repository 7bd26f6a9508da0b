"""The names that users rely on, and what is said about each of them."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, get_type_hints

import pytest

import vantage_sdk
from tests.contract.names import ERRORS, PUBLIC
from tests.contract.nouns import MODELS, NOUNS, OPTIONS, PAGES, PLAIN, SERVICES
from tests.contract.reference import ROOT
from tests.contract.test_boundaries import files, tree
from vantage_sdk import exceptions
from vantage_sdk.core.resource import live, method, opening, stream
from vantage_sdk.models.base import Model

EXPORTS = {
    "vantage_sdk/__init__.py": PUBLIC,
    "vantage_sdk/exceptions.py": [name for name in PUBLIC if "Error" in name and name != "JobFileError"]
    + ["Attempt", "DeadlineExceeded", "StreamInterrupted", "SubmitOutcomeUnknown"],
    "vantage_sdk/testing/__init__.py": ["instant_retries"],
}
Thing = tuple[str, Any]
_WRAPPED = ("__func__", "fget", "func")  # where class methods, properties and cached properties keep their function


def resource_methods() -> Iterator[Thing]:
    nouns = {f"{name}.{noun}": cls for name, found in SERVICES.items() for noun, cls in found.items()}
    for noun, cls in {**NOUNS, **nouns}.items():
        for name in dir(cls):
            kind = inspect.getattr_static(cls, name)
            if isinstance(kind, method | stream | live | opening) and not name.startswith("_"):
                yield f"{noun}.{name}", kind._body


def members(cls: type[Any]) -> Iterator[Thing]:
    """Yield the public methods and properties of a class under the name of the public class that defines them."""
    for base in cls.__mro__:
        if not base.__module__.startswith("vantage_sdk"):
            continue
        owner = cls.__name__ if base.__name__ not in PUBLIC else base.__name__
        for name, value in list(vars(base).items()):
            call = next((part for kind in _WRAPPED if (part := getattr(value, kind, None)) is not None), value)
            if inspect.isfunction(call) and not name.startswith("_"):
                yield f"{owner}.{name}", call


def public_things() -> dict[str, Any]:
    """Return all that a user can name: exported names, their members, the resources' methods, the shared options."""
    exported = {name: getattr(vantage_sdk, name) for name in PUBLIC if name != "__version__"}
    classes = [value for value in exported.values() if inspect.isclass(value)]
    modules = [import_module(f"vantage_sdk.models.{name}") for name in MODELS]
    models = [value for module in modules for value in vars(module).values() if _is_model(value)]
    named = {value.__name__: value for value in (*NOUNS.values(), *OPTIONS, *models)}
    named |= {f"{name}.{cls.__name__}": cls for name, found in SERVICES.items() for cls in found.values()}
    return {
        **exported,
        **named,
        **dict(resource_methods()),
        **dict(thing for cls in classes + models for thing in members(cls)),
    }


def _is_model(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, Model)


THINGS = public_things()
CALLS = {name: thing for name, thing in THINGS.items() if inspect.isfunction(thing)}
FIELDS = {field for thing in THINGS.values() if _is_model(thing) for field in thing.model_fields}
MADE = {
    name: THINGS[name] for kind in ("VantageClient", "JobServiceClient", "S9SClient") for name in (kind, f"Async{kind}")
}


def text_of(name: str, *seen: str) -> str:
    """Return a docstring with those that it refers to, as in "parameters as for ``wait``"."""
    text = inspect.getdoc(THINGS[name]) or ""
    owner = name.rpartition(".")[0]
    for referred in re.findall(r"(?:as|as for|see) ``([\w.]+)``", text):
        for full in (referred, f"{owner}.{referred}", f"{owner.partition('.')[0]}.{referred}"):
            if full in THINGS and full not in (name, *seen):
                text += "\n" + text_of(full, name, *seen)
    return text


def own_parameters(call: Callable[..., Any]) -> list[inspect.Parameter]:
    parameters = [*inspect.signature(call).parameters.values()]
    return [p for p in parameters if p.name not in ("self", "cls") and p.kind is not p.VAR_KEYWORD]


PARAMETERS = {parameter.name for call in [*CALLS.values(), *MADE.values()] for parameter in own_parameters(call)}


def test_the_exported_names_are_these() -> None:
    assert vantage_sdk.__all__ == sorted(PUBLIC)
    assert dir(vantage_sdk) == sorted(PUBLIC)
    assert all(getattr(vantage_sdk, name) is not None for name in PUBLIC)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        vantage_sdk.Nothing  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    (guarded,) = [node for node in tree("vantage_sdk/__init__.py").body if isinstance(node, ast.If)]
    seen = {
        alias.name: node.module for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == vantage_sdk.MODULE_OF
    assert seen.keys() | {"__version__"} == {*PUBLIC}


@pytest.mark.parametrize("path", EXPORTS)
def test_a_module_exports_these_names(path: str) -> None:
    module = import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    assert sorted(module.__all__) == sorted(EXPORTS[path])


def test_no_other_module_exports_names() -> None:
    exporting = [path for path in files("vantage_sdk") if "__all__ =" in (ROOT / path).read_text()]
    assert exporting == sorted(EXPORTS)


def test_the_tree_of_errors_is_this() -> None:
    classes = {name: value for name, value in vars(exceptions).items() if inspect.isclass(value)}
    defined = {name: value for name, value in classes.items() if issubclass(value, Exception)}
    assert {name: value.__bases__[0].__name__ for name, value in defined.items()} == ERRORS
    assert issubclass(exceptions.ConfigError, ValueError)


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for indent, name in re.findall(r"^( *)([A-Z]\w+) {2,}", exceptions.__doc__ or "", re.MULTILINE):
        del above[len(indent) // 4 :]
        drawn[name] = above[-1] if above else "Exception"
        above.append(name)
    assert drawn == ERRORS


def test_every_documented_status_is_in_the_tree() -> None:
    text = exceptions.__doc__ or ""
    for status in ("400", "401", "403", "404", "409", "422", "429", "5xx"):
        assert re.search(rf"\b{status}\b", text), status


def undescribed(name: str) -> bool:
    text = inspect.getdoc(THINGS[name]) or ""
    first = text.partition("\n\n")[0].rstrip()
    sentence = first.endswith((".", ":")) and (first[0].isupper() or first[0] in "`'")
    return not sentence or text.startswith(f"{name.rpartition('.')[2]}(")


def unmentioned(name: str) -> list[str]:
    """Return the parameters of its own that a docstring does not speak of."""
    text, missing = text_of(name), []
    for parameter in own_parameters(THINGS[name]):
        words = [parameter.name] + ([PLAIN[parameter.name]] if parameter.name in PLAIN else [])
        if not any(re.search(rf"\b{word}s?\b", text) for word in words):
            missing.append(parameter.name)
    return missing


# One test for all names, because there are so many that what pytest does for each test would take most of the time.


def test_a_public_thing_is_described_in_a_sentence() -> None:
    assert [name for name in THINGS if undescribed(name)] == []


def test_every_parameter_of_its_own_is_mentioned() -> None:
    assert {name: missing for name in [*CALLS, *MADE] if (missing := unmentioned(name))} == {}


def test_the_plain_parameters_are_all_in_use() -> None:
    assert PLAIN.keys() <= PARAMETERS


@pytest.mark.parametrize("options", OPTIONS)
def test_every_shared_option_is_described_where_it_is_declared(options: type[Any]) -> None:
    inherited = {name for base in OPTIONS[:1] if base is not options for name in get_type_hints(base)}
    text = text_of(options.__name__)
    for name in get_type_hints(options).keys() - inherited:
        assert f"``{name}``" in text, name


def test_a_span_of_time_has_its_unit() -> None:
    spans = [
        name
        for name in [*CALLS, *MADE]
        if any("Seconds" in str(parameter.annotation) for parameter in own_parameters(THINGS[name]))
    ]
    assert spans
    assert [name for name in spans if "seconds" not in text_of(name)] == []


def test_the_errors_it_speaks_of_exist() -> None:
    for name, thing in THINGS.items():
        for error in re.findall(r"``(\w*(?:Error|Exceeded|Interrupted|Unknown))``", inspect.getdoc(thing) or ""):
            assert hasattr(vantage_sdk, error) or hasattr(builtins, error), (name, error)


def test_the_names_it_refers_to_exist() -> None:
    for name, thing in THINGS.items():
        for referred in re.findall(r"(?:see|as|as for) ``([\w.]+)``", inspect.getdoc(thing) or ""):
            owner = name.rpartition(".")[0]
            full = {referred, f"{owner}.{referred}", f"{owner.partition('.')[0]}.{referred}"}
            assert full & THINGS.keys() or referred in FIELDS | PARAMETERS, (name, referred)


def test_a_method_appears_in_the_documentation() -> None:
    text = {path: (ROOT / path).read_text() for path in files("docs", suffix=".md")}
    for name, _ in resource_methods():
        service = name.partition(".")[0]
        pages = [text[PAGES[service]]] if service in PAGES else text.values()
        short = name.removeprefix(f"{service}.") if service in PAGES else name
        assert any(re.search(rf"\b{re.escape(short)}\b", page) for page in pages), name


def test_the_errors_appear_in_the_documentation() -> None:
    text = "\n".join((ROOT / path).read_text() for path in files("docs", suffix=".md"))
    assert [name for name in ERRORS if not re.search(rf"\b{name}\b", text)] == []


def test_public_data_is_frozen() -> None:
    for name in PUBLIC:
        value = getattr(vantage_sdk, name)
        if inspect.isclass(value) and dataclasses.is_dataclass(value):
            assert value.__dataclass_params__.frozen, name  # type: ignore[attr-defined]
        if _is_model(value):
            assert value.model_config["frozen"], name
