"""Reads one expression of the mapping language: a small, closed part of Python's syntax.

Python's own parser does the reading and nothing else: every part that is not named here is refused.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache

import msgspec

from tillway.errors import ConfigurationError
from tillway.mapping import limits
from tillway.mapping.codes import CodeTable
from tillway.mapping.functions import FUNCTIONS, SPECIAL_FORMS, is_time_zone
from tillway.mapping.syntax import (
    Arithmetic,
    Call,
    Choice,
    Coalesce,
    CodeLookup,
    Comparison,
    Literal,
    Logic,
    Membership,
    Negation,
    Node,
    Read,
    Step,
    Walk,
)
from tillway.spelling import nearest

ALLOWED = (
    "fields and dotted paths, this, root, position, text and numbers, calls to the listed "
    "functions, comparisons, in, and/or/not, a if c else b, + - * /"
)
RECORD_NAMES = frozenset({"this", "root"})
ITEM_NAMES = RECORD_NAMES | {"position"}
GROUP_NAMES = frozenset({"root", "position", "key", "rows"})

_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_ARITHMETIC: Mapping[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
REMEMBERED_EXPRESSIONS = 1_024
_NOT_PYTHON = {"true": "True", "false": "False", "null": "None"}


class Place(msgspec.Struct, frozen=True):
    """Where an expression stands: `mappings/x.toml:14`, its row, and the names it may use.

    names are the reserved ones; fields is False where no field of a source is in sight (a group
    row sees only `key` and `rows`).
    """

    at: str
    row: str = ""
    names: frozenset[str] = RECORD_NAMES
    fields: bool = True

    def error(self, code: str, problem: str, advice: str) -> ConfigurationError:
        """Return the error for a problem at this place."""
        row = f' in row "{self.row}"' if self.row else ""
        return ConfigurationError(
            code, f"{problem}{row} ({self.at})", path=self.row, at=self.at, advice=advice
        )


def parse(text: str, codes: Mapping[str, CodeTable], place: Place) -> Node:
    """Read one expression. Raises ConfigurationError TW-3303 to TW-3307 with place and advice."""
    if not isinstance(text, str) or not text.strip():
        raise place.error(
            "TW-3303", "an expression must be text in quotes", "write the expression as a string"
        )
    if len(text) > limits.MAX_EXPRESSION_CHARACTERS:
        raise place.error(
            "TW-3307",
            f"the expression has more than {limits.MAX_EXPRESSION_CHARACTERS} characters",
            "split it, or move a list of values into a code table",
        )
    line = " ".join(text.split("\n")).strip()
    tree = _python_tree(line, place)
    _check_size(tree, place)
    return _Reader(line.encode(), codes, place).node(tree)


def _python_tree(line: str, place: Place) -> ast.expr:
    try:
        return _parsed(line)
    except (SyntaxError, ValueError, MemoryError, RecursionError, Warning) as problem:
        said = getattr(problem, "msg", None) or "it cannot be read"
        raise place.error(
            "TW-3303",
            f"not an expression: {said}",
            f'use {ALLOWED}; a field with an odd name is this["odd name"]',
        ) from None


# The tables of a project say much the same of a header, so most expressions stand in several.
@lru_cache(maxsize=REMEMBERED_EXPRESSIONS)
def _parsed(line: str) -> ast.expr:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return ast.parse(line, mode="eval").body


def _check_size(tree: ast.expr, place: Place) -> None:
    level: list[ast.AST] = [tree]
    depth = parts = 0
    while level:
        depth += 1
        parts += len(level)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if depth > limits.MAX_EXPRESSION_DEPTH or parts > limits.MAX_EXPRESSION_PARTS:
            raise place.error(
                "TW-3307",
                f"the expression has more than {limits.MAX_EXPRESSION_PARTS} parts or is nested "
                f"deeper than {limits.MAX_EXPRESSION_DEPTH}",
                "split it into several rows",
            )


class _Reader:
    """Turns Python's tree into ours, part by part."""

    def __init__(self, line: bytes, codes: Mapping[str, CodeTable], place: Place) -> None:
        self.line = line
        self.codes = codes
        self.place = place

    def node(self, tree: ast.expr) -> Node:
        read = _READERS.get(type(tree))
        if read is None:
            raise self.refused(f"{_words(tree)} is not part of the mapping language")
        return read(self, tree)

    def refused(
        self, problem: str, advice: str = f"use {ALLOWED}", code: str = "TW-3303"
    ) -> ConfigurationError:
        return self.place.error(code, problem, advice)

    def constant(self, tree: ast.Constant) -> Node:
        value = tree.value
        if value is None or isinstance(value, bool):
            return Literal(value)
        written = self.line[tree.col_offset : tree.end_col_offset].decode()
        if isinstance(value, str):
            if written[:1] not in {"'", '"'}:
                raise self.refused("a text with a prefix is not part of the mapping language")
            if len(value) > limits.MAX_LITERAL_CHARACTERS:
                raise self.refused("a text is too long", "use a code table", "TW-3307")
            return Literal(value)
        if not isinstance(value, int | float) or not set(written) <= set("0123456789."):
            raise self.refused(
                f"{written} is not a plain number or text", "write numbers as 12 or 12.50"
            )
        if len(written) > limits.MAX_LITERAL_DIGITS:
            raise self.refused("a number is too long", "use a shorter number", "TW-3307")
        return Literal(value if isinstance(value, int) else Decimal(written))

    def name(self, tree: ast.Name) -> Node:
        name = tree.id
        if name in self.place.names:
            return Read(name, ())
        if name in _NOT_PYTHON:
            raise self.refused(f'"{name}" is no constant', f"write {_NOT_PYTHON[name]}")
        self._check_field(name)
        return Read("this", (name,))

    def path(self, tree: ast.Attribute | ast.Subscript) -> Node:
        start = self.node(tree.value)
        step = self._step(tree)
        match start:
            case Read(origin="position"):
                raise self.refused("position is a number and has no fields")
            case Read(origin=origin, steps=steps):
                return Read(origin, (*steps, step))
            case Walk(start=inner, steps=steps):
                return Walk(inner, (*steps, step))
            case Call() | Coalesce() | Choice():
                return Walk(start, (step,))
            case _:
                raise self.refused(f"{_words(tree.value)} has no fields")

    def _step(self, tree: ast.Attribute | ast.Subscript) -> Step:
        if isinstance(tree, ast.Attribute):
            return self._check_dunder(tree.attr)
        key = tree.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value
        if isinstance(key, ast.Constant) and type(key.value) is int:
            return key.value
        raise self.refused(
            "the part in [ ] must be a constant",
            'write a name in quotes or a whole number, item["@code"] or items[0], or last(rows)',
        )

    def _check_field(self, name: str) -> None:
        self._check_dunder(name)
        if not self.place.fields:
            raise self.refused(
                f'"{name}" is not known in a group',
                f"use key, rows, root.{name} or first(rows).{name}",
            )

    def _check_dunder(self, name: str) -> str:
        if name.startswith("__"):
            raise self.refused(
                f"the name {name} is not part of the mapping language",
                f'a field of that name is this["{name}"]',
            )
        return name

    def call(self, tree: ast.Call) -> Node:
        if not isinstance(tree.func, ast.Name):
            raise self.refused(
                "only functions of the list can be called", f"use {_function_names()}"
            )
        name = tree.func.id
        form = SPECIAL_FORMS.get(name) or FUNCTIONS.get(name)
        if form is None:
            near = nearest(name, (*FUNCTIONS, *SPECIAL_FORMS))
            raise self.refused(
                f'there is no function "{name}"', f"{near}use {_function_names()}", "TW-3304"
            )
        if tree.keywords or any(isinstance(part, ast.Starred) for part in tree.args):
            raise self.refused(
                f"{name} takes plain arguments only", f"write {form.usage}", "TW-3305"
            )
        most = form.most if form.most is not None else len(tree.args)
        if not form.least <= len(tree.args) <= most:
            raise self.refused(
                f"{name} has {len(tree.args)} arguments", f"write {form.usage}", "TW-3305"
            )
        return self._form(name, tuple(self.node(part) for part in tree.args))

    def _form(self, name: str, parts: tuple[Node, ...]) -> Node:
        if name == "choose":
            return Choice(*parts)
        if name == "coalesce":
            return Coalesce(parts)
        if name == "code":
            return CodeLookup(self._table(parts[0]), parts[1])
        if name == "timestamp" and len(parts) == 2:
            self._check_zone(parts[1])
        return Call(name, parts)

    def _table(self, part: Node) -> str:
        if not isinstance(part, Literal) or not isinstance(part.value, str):
            raise self.refused(
                "the first argument of code must be the name of a table",
                'write code("uom", unit) for the table codes/uom.csv',
                "TW-3305",
            )
        if part.value not in self.codes:
            near = nearest(part.value, self.codes)
            known = ", ".join(sorted(self.codes)) or "none"
            raise self.refused(
                f'there is no code table "{part.value}"',
                f"{near}add codes/{part.value}.csv, or use one of: {known}",
                "TW-3306",
            )
        return part.value

    def _check_zone(self, part: Node) -> None:
        if isinstance(part, Literal) and not is_time_zone(part.value):
            raise self.refused(
                f'"{part.value}" is no time zone', 'write a name like "Europe/Berlin"', "TW-3305"
            )

    def comparison(self, tree: ast.Compare) -> Node:
        links: list[Node] = []
        left = tree.left
        for operator, right in zip(tree.ops, tree.comparators, strict=True):
            links.append(self._link(left, operator, right))
            left = right
        return links[0] if len(links) == 1 else Logic("and", tuple(links))

    def _link(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Node:
        if type(operator) in _COMPARISONS:
            return Comparison(_COMPARISONS[type(operator)], self.node(left), self.node(right))
        if not isinstance(operator, ast.In | ast.NotIn):
            raise self.refused('"is" is not part of the mapping language', "write == or !=")
        negated = isinstance(operator, ast.NotIn)
        if isinstance(right, ast.Tuple | ast.List):
            choices = tuple(self.node(part) for part in right.elts)
            return Membership(self.node(left), choices, negated)
        choice = self.node(right)
        if isinstance(choice, Literal):
            raise self.refused(
                '"in" needs a list', 'write x in ("A", "B"), and ("A",) for one value'
            )
        return Membership(self.node(left), choice, negated)

    def logic(self, tree: ast.BoolOp) -> Node:
        operator = "and" if isinstance(tree.op, ast.And) else "or"
        return Logic(operator, tuple(self.node(part) for part in tree.values))

    def unary(self, tree: ast.UnaryOp) -> Node:
        if isinstance(tree.op, ast.Not):
            return Negation(self.node(tree.operand))
        part = self.node(tree.operand)
        if isinstance(tree.op, ast.Invert):
            raise self.refused("~ is not part of the mapping language")
        plain = isinstance(part, Literal) and type(part.value) in {int, Decimal}
        if not plain or not isinstance(part, Literal) or not isinstance(part.value, int | Decimal):
            raise self.refused("a sign stands before a number only", "write negate(x)")
        return part if isinstance(tree.op, ast.UAdd) else Literal(-part.value)

    def arithmetic(self, tree: ast.BinOp) -> Node:
        operator = _ARITHMETIC.get(type(tree.op))
        if operator is None:
            raise self.refused(
                f"{_words(tree.op)} is not part of the mapping language", "use + - * /"
            )
        return Arithmetic(operator, self.node(tree.left), self.node(tree.right))

    def choice(self, tree: ast.IfExp) -> Node:
        return Choice(self.node(tree.test), self.node(tree.body), self.node(tree.orelse))


_READERS: Mapping[type[ast.expr], Callable[..., Node]] = {
    ast.Constant: _Reader.constant,
    ast.Name: _Reader.name,
    ast.Attribute: _Reader.path,
    ast.Subscript: _Reader.path,
    ast.Call: _Reader.call,
    ast.Compare: _Reader.comparison,
    ast.BoolOp: _Reader.logic,
    ast.UnaryOp: _Reader.unary,
    ast.BinOp: _Reader.arithmetic,
    ast.IfExp: _Reader.choice,
}


def _function_names() -> str:
    return "one of: " + ", ".join(sorted((*FUNCTIONS, *SPECIAL_FORMS)))


def _words(tree: ast.AST) -> str:
    """Return what a part of Python's syntax is called."""
    known = {
        "Lambda": "a lambda",
        "ListComp": "a comprehension",
        "SetComp": "a comprehension",
        "DictComp": "a comprehension",
        "GeneratorExp": "a comprehension",
        "JoinedStr": "an f-string",
        "Pow": "**",
        "NamedExpr": ":=",
        "Tuple": "a list outside of in",
        "List": "a list outside of in",
        "Constant": "a constant",
    }
    return known.get(type(tree).__name__, f"{type(tree).__name__.lower()}")
