"""Writes a mapping table, or one expression, as one Python function and compiles it.

The text is made from our own parts only: names we number ourselves, and constants through repr().
Every value of the source is read once at the head of its scope, into a local variable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import CodeType
from typing import Any

from tillway.mapping import conditions, lists, numbers
from tillway.mapping.codes import CodeTable
from tillway.mapping.faults import RowFault
from tillway.mapping.functions import FUNCTIONS, REMEMBERED
from tillway.mapping.limits import MAX_PAD_WIDTH, REMEMBERED_CHARACTERS, REMEMBERED_PARTS
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

EXPRESSION_ARGUMENTS = ("this", "root", "position", "key", "rows")

LIST_OF_THIS = Call("list_of", (Read("this", ()),))
"""Is written as a list: nobody need ask whether it is one."""

_COMPARED = {
    "<": "less",
    "<=": "less_or_equal",
    ">": "greater",
    ">=": "greater_or_equal",
    "==": "equal",
}
_CALCULATED = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_SMALL = 10**9
_CONDITIONS = (Comparison, Membership, Logic, Negation)


def coded(table: CodeTable, value: Any) -> str | None:
    """Return the canonical code; the plain hit costs one look-up."""
    try:
        return table.rows[value]
    except (KeyError, TypeError):
        return table.canonical(value)


def refuse_float() -> None:
    """Refuse a binary float that a row would pass on unchanged."""
    raise RowFault("float_money", "float money: send it as text")


def unfit() -> None:
    """Refuse a value that the model does not take as it is."""
    raise RowFault("model", "what the message can hold")


def remember(parts: dict[tuple[Any, ...], Any], values: tuple[Any, ...], made: Any) -> None:
    """Keep a part of a message for the next record with the same values; only of short texts.

    True, 1 and 1.0 are one key, so a part made of them is made anew each time.
    """
    if all(
        value is None or (value.__class__ is str and len(value) <= REMEMBERED_CHARACTERS)
        for value in values
    ):
        if len(parts) >= REMEMBERED_PARTS:
            parts.clear()
        parts[values] = made


def record_of(item: Any) -> dict[str, Any]:
    """Return the item of a list that must be a record."""
    if isinstance(item, dict):
        return item
    raise RowFault("type", "a record in every place of the list")


def group_of(groups: dict[Any, list[Any]], key: Any, item: Any) -> None:
    """Put an item to the others of its group, in order of first appearance."""
    if isinstance(key, float | dict | list):
        raise RowFault("type", "a text, a whole number or a decimal to group by")
    try:
        groups.setdefault(key, []).append(item)
    except TypeError:  # a signalling NaN
        raise RowFault("type", "a text, a whole number or a decimal to group by") from None


_FIXED_NAMES: Mapping[str, Any] = {
    "__builtins__": {},
    "none": {},
    "record_class": dict,
    "float_class": float,
    "list_class": list,
    "holds": conditions.holds,
    "among": conditions.among,
    **{name: getattr(conditions, name) for name in _COMPARED.values()},
    **{name: getattr(numbers, name) for name in _CALCULATED.values()},
    "items": lists.items,
    "step": lists.step,
    "coded": coded,
    "refuse_float": refuse_float,
    "unfit": unfit,
    "remember": remember,
    "unhashable": TypeError,
    "record_of": record_of,
    "group_of": group_of,
    "str": str,
    "int": int,
    "len": len,
    "tuple": tuple,
    **{f"m_{name}": remembered for name, remembered in REMEMBERED.items()},
    **{f"f_{name}": function.run for name, function in FUNCTIONS.items()},
}


class Program:
    """Collects the lines and constants of one function.

    remembers: functions of one argument are looked up in what they made before; the function made
    then raises TypeError where a list or an object stands for a value.
    """

    def __init__(self, codes: Mapping[str, CodeTable], *, remembers: bool = False) -> None:
        self.codes = codes
        self.remembers = remembers
        self.names: dict[str, Any] = dict(_FIXED_NAMES)
        self.constants: dict[Any, str] = {}
        self.count = 0

    def fresh(self, prefix: str) -> str:
        """Return a local name that nothing else uses."""
        self.count += 1
        return f"{prefix}{self.count}"

    def constant(self, key: Any, value: Any, prefix: str) -> str:
        """Return the global name of a constant that has no text of its own."""
        if key not in self.constants:
            self.constants[key] = f"{prefix}{len(self.constants)}"
            self.names[self.constants[key]] = value
        return self.constants[key]

    def build(self, text: str, name: str, label: str) -> Callable[..., Any]:
        """Compile the text and return the function of that name."""
        code: CodeType = compile(text, f"<{label}>", "exec", dont_inherit=True)
        exec(code, self.names)  # noqa: S102 - the text is written by this room from checked parts
        return self.names[name]  # type: ignore[no-any-return]


class Scope:
    """One scope of the function: what its names are called, and which values it has read.

    lines holds the reads; they come before anything that uses them and cannot fail.
    """

    def __init__(self, program: Program, variables: Mapping[str, str], root: Scope | None) -> None:
        self.program = program
        self.variables = dict(variables)
        self.root = root or self
        self.lines: list[str] = []
        self.values: dict[tuple[str, tuple[Step, ...]], str] = {}
        self.records: dict[tuple[str, tuple[Step, ...]], str] = {}

    def read(self, node: Read) -> str:
        """Return the local variable that holds the value of a path."""
        if node.origin == "root" and self.root is not self:
            return self.root.read(Read("this", node.steps))
        origin = "this" if node.origin == "root" else node.origin
        return self._value(origin, node.steps)

    def _value(self, origin: str, steps: tuple[Step, ...]) -> str:
        if not steps:
            return self.variables[origin]
        known = self.values.get((origin, steps))
        if known is not None:
            return known
        name = self.program.fresh("v")
        if isinstance(steps[-1], int):
            self.lines.append(f"{name} = step({self._value(origin, steps[:-1])}, {steps[-1]!r})")
        else:
            self.lines.append(f"{name} = {self._record(origin, steps[:-1])}.get({steps[-1]!r})")
        self.values[origin, steps] = name
        return name

    def _record(self, origin: str, steps: tuple[Step, ...]) -> str:
        if not steps and origin == "this":
            return self.variables[origin]
        known = self.records.get((origin, steps))
        if known is not None:
            return known
        value, name = self._value(origin, steps), self.program.fresh("r")
        self.lines.append(f"{name} = {value} if {value}.__class__ is record_class else none")
        self.records[origin, steps] = name
        return name

    def text(self, node: Node) -> str:
        """Return the Python text of one checked part."""
        match node:
            case Literal():
                return self._literal(node.value)
            case Read():
                return self.read(node)
            case Walk():
                return self._walk(node)
            case Call():
                return self._call(node)
            case CodeLookup():
                return self._lookup(node)
            case Coalesce(parts=parts):
                return self._coalesce(parts)
            case _:
                return self._operation(node)

    def condition(self, node: Node) -> str:
        """Return the Python text of a part that is used as a condition."""
        return self.text(node) if isinstance(node, _CONDITIONS) else f"holds({self.text(node)})"

    def _operation(
        self, node: Choice | Arithmetic | Comparison | Membership | Logic | Negation
    ) -> str:
        match node:
            case Choice(condition=condition, then=then, otherwise=otherwise):
                test = self.condition(condition)
                return f"({self.text(then)} if {test} else {self.text(otherwise)})"
            case Arithmetic(operator=operator, left=left, right=right):
                return f"{_CALCULATED[operator]}({self.text(left)}, {self.text(right)})"
            case _:
                return self._test(node)

    def _walk(self, node: Walk) -> str:
        text = self.text(node.start)
        for key in node.steps:
            text = f"step({text}, {key!r})"
        return text

    def _test(self, node: Comparison | Membership | Logic | Negation) -> str:
        match node:
            case Comparison(operator="!=", left=left, right=Literal(value=str() as value)):
                return f"(not {self.text(left)} == {value!r})"
            case Comparison(operator="!=", left=left, right=right):
                return f"(not equal({self.text(left)}, {self.text(right)}))"
            case Comparison(operator="==", left=left, right=Literal(value=str() as value)):
                return f"({self.text(left)} == {value!r})"
            case Comparison(operator=operator, left=left, right=right):
                return f"{_COMPARED[operator]}({self.text(left)}, {self.text(right)})"
            case Membership(value=value, choices=choices, negated=negated):
                test = f"among({self.text(value)}, {self._choices(choices)})"
                return f"(not {test})" if negated else test
            case Logic(operator=operator, parts=parts):
                return "(" + f" {operator} ".join(map(self.condition, parts)) + ")"
            case Negation(part=part):
                return f"(not {self.condition(part)})"

    def _choices(self, choices: tuple[Node, ...] | Node) -> str:
        if not isinstance(choices, tuple):
            return self.text(choices)
        return "(" + "".join(f"{self.text(part)}, " for part in choices) + ")"

    def _coalesce(self, parts: tuple[Node, ...]) -> str:
        text = self.text(parts[-1])
        for part in reversed(parts[:-1]):
            name = self.program.fresh("t")
            text = f"({name} if ({name} := {self.text(part)}) is not None else {text})"
        return text

    def _call(self, node: Call) -> str:
        """Return a call; what is at hand already (a known text, a small integer) needs none."""
        match node:
            case Call(function=function, arguments=(part,)) if (
                self.program.remembers and function in REMEMBERED
            ):
                return f"m_{function}[{self.text(part)}]"
            case Call() if node == LIST_OF_THIS:
                return f"[{self.variables['this']}]"
            case Call(
                function="pad", arguments=(Read() as part, Literal(value=int() as width))
            ) if width.__class__ is int and 0 <= width <= MAX_PAD_WIDTH:
                value = self.read(part)
                quick = f"{value}.rjust({width}, '0') if {value}.__class__ is str"
                return f"({quick} else f_pad({value}, {width}))"
            case Call(function="integer", arguments=(Read() as part,)):
                value = self.read(part)
                small = f"{value}.__class__ is int and -{_SMALL} < {value} < {_SMALL}"
                return f"({value} if {small} else f_integer({value}))"
            case _:
                return f"f_{node.function}({', '.join(map(self.text, node.arguments))})"

    def _lookup(self, node: CodeLookup) -> str:
        """Return a look-up; a value that is no text, or not listed, goes the long way."""
        table = self.program.codes[node.table]
        named = self.program.constant(("codes", node.table), table, "codes")
        value = self.text(node.value)
        if not isinstance(node.value, Read):
            return f"coded({named}, {value})"
        rows = self.program.constant(("rows", node.table), table.rows, "rows")
        hit = self.program.fresh("t")
        found = f"{value}.__class__ is str and ({hit} := {rows}.get({value})) is not None"
        return f"({hit} if {found} else coded({named}, {value}))"

    def _literal(self, value: str | int | Decimal | bool | None) -> str:
        if isinstance(value, Decimal):
            return self.program.constant(("decimal", str(value)), value, "number")
        return repr(value)


def expression_function(
    node: Node, codes: Mapping[str, CodeTable], label: str
) -> Callable[..., Any]:
    """Return one expression as a function of (this, root, position, key, rows).

    The values a scope does not have are passed as None. Raises RowFault where the value cannot be
    made.
    """
    program = Program(codes)
    root = Scope(program, {"this": "root"}, None)
    scope = Scope(program, {name: name for name in EXPRESSION_ARGUMENTS}, root)
    result = scope.text(node)
    body = [*root.lines, *scope.lines, f"return {result}"]
    text = f"def evaluate({', '.join(EXPRESSION_ARGUMENTS)}):\n" + "".join(
        f"    {line}\n" for line in body
    )
    return program.build(text, "evaluate", label)
