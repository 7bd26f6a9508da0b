"""Pipelines made up together with the SQL that means the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.pipelines.graphs import Part

Draw = Callable[[st.SearchStrategy[Any]], Any]
LEFT = {"id": "int", "k": "int", "s": "text", "f": "float", "b": "bool", "d": "date"}
RIGHT = {"k": "int", "name": "text", "f": "float"}
TYPES = {"int": "BIGINT", "float": "DOUBLE", "text": "VARCHAR", "bool": "BOOLEAN", "date": "DATE"}
LITERALS = {
    "int": st.sampled_from([-3, 0, 1, 2, 40]),
    "float": st.sampled_from([-1.25, 0.0, 0.5, 2.0]),
    "text": st.sampled_from(["", "a", "B", "äb", "it's"]),
    "bool": st.booleans(),
    "date": st.sampled_from(["2023-12-31", "2024-02-29", "2024-03-01"]),
}
COMPARISONS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
SIGNS = {"=": "==", "<>": "!="}


@dataclass
class Pipeline:
    """Setters so far, the columns that come out of them, and the query for the same rows."""

    draw: Draw
    columns: dict[str, str] = field(default_factory=lambda: dict(LEFT))
    parts: list[Part] = field(default_factory=list)
    pairs: list[int] = field(default_factory=list)
    query: str = "SELECT * FROM l"
    made: int = 0

    def add(self, name: str, config: dict[str, Any], query: str, *, pair: bool = False) -> None:
        """Add a setter; in the query ``{}`` stands for the rows so far."""
        if pair:
            self.pairs.append(len(self.parts))
        self.parts.append((f"queryoperators/{name}", config))
        self.query = query.replace("{}", f"({self.query}) AS t")

    def step(self) -> None:
        self.draw(
            st.sampled_from([filter_, compute, aggregate, sort_and_limit, join, rename, deduplicate, select, union])
        )(self)

    def column(self, *kinds: str) -> str | None:
        found = [name for name, kind in self.columns.items() if not kinds or kind in kinds]
        return self.draw(st.sampled_from(found)) if found else None

    def some(self) -> list[str]:
        return self.draw(st.lists(st.sampled_from([*self.columns]), min_size=1, max_size=3, unique=True))

    def new(self) -> str:
        self.made += 1
        return f"c{self.made}"


def quoted(value: Any, kind: str) -> str:
    text = str(value).replace("'", "''")
    return {"text": f"'{text}'", "date": f"DATE '{text}'", "bool": text.lower()}.get(
        kind, f"CAST({text} AS {TYPES[kind]})"
    )


def filter_(p: Pipeline) -> None:
    name = p.column()
    kind = p.columns[name or ""]
    null = p.draw(st.sampled_from(["is_null", "is_not_null", None, None, None]))
    if null:
        p.add("filter", {"field": name, "operator": null}, f"SELECT * FROM {{}} WHERE {name} {null.replace('_', ' ')}")
        return
    texts = ["contains", "not_contains", "starts_with", "ends_with"] if kind == "text" else []
    operator = p.draw(st.sampled_from([*COMPARISONS, "in", "not_in", *texts]))
    if operator in ("in", "not_in"):
        values = p.draw(st.lists(LITERALS[kind], min_size=1, max_size=3))
        condition = f"{name} {operator.replace('_', ' ')} ({', '.join(quoted(value, kind) for value in values)})"
        p.add("filter", {"field": name, "operator": operator, "value": values}, f"SELECT * FROM {{}} WHERE {condition}")
        return
    value = p.draw(LITERALS[kind])
    if operator in texts:
        function = operator.removeprefix("not_")
        condition = f"{'NOT ' * (function != operator)}{function}({name}, {quoted(value, kind)})"
    else:
        condition = f"{name} {COMPARISONS[operator]} {quoted(value, kind)}"
    p.add("filter", {"field": name, "operator": operator, "value": value}, f"SELECT * FROM {{}} WHERE {condition}")


def number(p: Pipeline, depth: int = 2) -> tuple[str, str, str]:
    """Return a number in the expression language, in SQL, and whether it is whole."""
    name = p.column("int", "float")
    form = p.draw(
        st.sampled_from(["column", "literal", "+", "-", "*", "/", "%", "abs", "coalesce", "if", "length", "year"])
    )
    if form in ("length", "year") and (other := p.column("text" if form == "length" else "date")):
        return f"{form}({other})", f"CAST({form}({other}) AS BIGINT)", "int"
    if name is not None and (depth == 0 or form == "column"):
        return name, name, p.columns[name]
    if depth == 0 or form in ("literal", "column", "length", "year"):
        value = p.draw(st.integers(0, 9))
        return str(value), f"CAST({value} AS BIGINT)", "int"
    one, sql, kind = number(p, depth - 1)
    if form == "abs":
        return f"abs({one})", f"abs({sql})", kind
    if form == "%":
        if kind == "float":
            return f"round({one}, 1)", f"round({sql}, 1)", kind
        return f"({one} % 4)", f"((({sql}) % 4 + 4) % 4)", kind
    two, other, second = number(p, depth - 1)
    both = "float" if "float" in (kind, second) else "int"
    if form == "/":
        return f"({one} / {two})", f"(CAST({sql} AS DOUBLE) / nullif({other}, 0))", "float"
    if form == "coalesce":
        return f"coalesce({one}, {two})", f"coalesce({sql}, {other})", both
    if form == "if":
        test, condition = boolean(p, 0)
        return f"if({test}, {one}, {two})", f"CASE WHEN {condition} THEN {sql} ELSE {other} END", both
    return f"({one} {form} {two})", f"({sql} {form} {other})", both


def boolean(p: Pipeline, depth: int = 1) -> tuple[str, str]:
    form = p.draw(st.sampled_from(["number", "column", "null", "and", "or", "not", "text"]))
    if form in ("and", "or") and depth:
        (one, sql), (two, other) = boolean(p, depth - 1), boolean(p, depth - 1)
        return f"({one} {form} {two})", f"({sql} {form} {other})"
    if form == "not" and depth:
        one, sql = boolean(p, depth - 1)
        return f"(not {one})", f"(NOT {sql})"
    if form == "column" and (name := p.column("bool")):
        return name, name
    if form == "null":
        name = p.column()
        return f"({name} is null)", f"({name} IS NULL)"
    if form == "text" and (name := p.column("text")):
        value = p.draw(LITERALS["text"])
        return f'({name} >= "{value}")', f"({name} >= {quoted(value, 'text')})"
    (one, sql, _), (two, other, _) = number(p, 0), number(p, 0)
    sign = p.draw(st.sampled_from([*COMPARISONS.values()]))
    return f"({one} {SIGNS.get(sign, sign)} {two})", f"({sql} {sign} {other})"


def text(p: Pipeline) -> tuple[str, str] | None:
    if not (name := p.column("text")):
        return None
    form = p.draw(st.sampled_from(["lower", "upper", "trim", "+"]))
    return (f"({name} + '!')", f"({name} || '!')") if form == "+" else (f"{form}({name})", f"{form}({name})")


def compute(p: Pipeline) -> None:
    form, new = p.draw(st.sampled_from(["number", "number", "boolean", "text"])), p.new()
    if form == "text" and (made := text(p)):
        (expression, sql), kind = made, "text"
    elif form == "boolean":
        (expression, sql), kind = boolean(p), "bool"
    else:
        expression, sql, kind = number(p)
    p.add("computedColumn", {"column_name": new, "expression": expression}, f"SELECT *, {sql} AS {new} FROM {{}}")
    p.columns[new] = kind


FUNCTIONS = {"count": "count({})", "count_distinct": "count(DISTINCT {})", "sum": "sum({})", "avg": "avg({})"}
FUNCTIONS |= {"min": "min({})", "max": "max({})", "median": "median({})"}


def aggregate(p: Pipeline) -> None:
    keys = p.draw(st.sampled_from([[], p.some()]))
    measures: list[dict[str, Any]] = [{"function": "count", "alias": p.new()}]
    chosen, columns = [f"count(*) AS {p.made and f'c{p.made}'}"], {key: p.columns[key] for key in keys}
    columns[measures[0]["alias"]] = "int"
    for _ in range(p.draw(st.integers(0, 2))):
        name, alias = p.column(), p.new()
        kind = p.columns[name or ""]
        function = p.draw(
            st.sampled_from([*FUNCTIONS] if kind in ("int", "float") else ["count", "count_distinct", "min", "max"])
        )
        measures.append({"function": function, "field": name, "alias": alias})
        sql = FUNCTIONS[function].format(name)
        columns[alias] = "int" if function.startswith("count") else "float" if function in ("avg", "median") else kind
        chosen.append(f"CAST({sql} AS {TYPES[columns[alias]]}) AS {alias}")
    by = f" GROUP BY {', '.join(keys)}" if keys else ""
    p.add(
        "aggregation",
        {"group_by": keys, "aggregations": measures},
        f"SELECT {', '.join([*keys, *chosen])} FROM {{}}{by}",
    )
    p.columns = columns


def sort_and_limit(p: Pipeline) -> None:
    """Sort by all columns, so that it is certain which rows come first."""
    names = p.draw(st.permutations([*p.columns]))
    ways = [p.draw(st.sampled_from(["asc", "desc"])) for _ in names]
    count, offset = p.draw(st.integers(0, 6)), p.draw(st.integers(0, 3))
    by = ", ".join(f"{name} {way} NULLS LAST" for name, way in zip(names, ways, strict=True))
    keys = [{"field": name, "direction": way} for name, way in zip(names, ways, strict=True)]
    p.add("sort", {"by": keys}, "SELECT * FROM {}")
    p.add(
        "limit", {"count": count, "offset": offset}, f"SELECT * FROM {{}} ORDER BY {by} LIMIT {count} OFFSET {offset}"
    )


def join(p: Pipeline) -> None:
    key = p.column("int", "float")
    if key is None:
        return
    how = p.draw(st.sampled_from(["inner", "left", "right", "full", "semi", "anti"]))
    config = {"keys": [{"left": key, "right": "k"}], "how": how, "suffix": f"_{p.new()}"}
    if how in ("semi", "anti"):
        p.add("join", config, f"SELECT * FROM {{}} {how.upper()} JOIN r ON t.{key} = r.k", pair=True)
    else:
        added = {name: name + config["suffix"] * (name in p.columns) for name in RIGHT if name != "k"}
        mine = [f"coalesce(t.{key}, r.k) AS {key}" if name == key else f"t.{name}" for name in p.columns]
        chosen = ", ".join([*mine, *(f"r.{old} AS {new}" for old, new in added.items())])
        p.add("join", config, f"SELECT {chosen} FROM {{}} {how.upper()} JOIN r ON t.{key} = r.k", pair=True)
        p.columns |= {new: RIGHT[old] for old, new in added.items()}
    if p.columns[key] == "float" or how in ("semi", "anti"):
        return


def rename(p: Pipeline) -> None:
    names = {name: p.new() for name in p.some()}
    chosen = ", ".join(f"{name} AS {names.get(name, name)}" for name in p.columns)
    p.add("rename", {"columns": names}, f"SELECT {chosen} FROM {{}}")
    p.columns = {names.get(name, name): kind for name, kind in p.columns.items()}


def select(p: Pipeline) -> None:
    names = p.some()
    p.add("select", {"columns": names}, f"SELECT {', '.join(names)} FROM {{}}")
    p.columns = {name: p.columns[name] for name in names}


def deduplicate(p: Pipeline) -> None:
    p.add("deduplicate", {}, "SELECT DISTINCT * FROM {}")


def union(p: Pipeline) -> None:
    kinds = {name: p.columns.get(name, kind) for name, kind in RIGHT.items()}
    if any((kinds[name] in ("int", "float")) != (kind in ("int", "float")) for name, kind in RIGHT.items()):
        return
    if any(kind not in ("int", "float") and kinds[name] != kind for name, kind in RIGHT.items()):
        return
    distinct = p.draw(st.booleans())
    word = "UNION" if distinct else "UNION ALL"
    p.add("union", {"distinct": distinct}, f"SELECT * FROM {{}} {word} BY NAME SELECT * FROM r", pair=True)
    p.columns |= {name: "float" if kinds[name] != kind else kind for name, kind in RIGHT.items()}
