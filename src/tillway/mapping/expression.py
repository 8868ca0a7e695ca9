"""Single expressions: `when` of a source, the filter of a route, the key of a lane.

They are the language of the mapping tables, compiled once; see `functions.py` for what they call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tillway.errors import ContractViolation, Violation
from tillway.mapping import lists
from tillway.mapping.codes import CodeTable
from tillway.mapping.conditions import holds
from tillway.mapping.diagnosis import safely_shown
from tillway.mapping.faults import RowFault
from tillway.mapping.parser import Place, parse
from tillway.mapping.program import expression_function
from tillway.mapping.syntax import Read, parts_of

_NO_CODES: Mapping[str, CodeTable] = {}


def compile_expression(
    text: str, *, codes: Mapping[str, CodeTable] = _NO_CODES, where: str
) -> Callable[[Mapping[str, Any]], Any]:
    """Return an expression as a function of a record.

    where says where it is written (`routes/erp.toml:7`). Raises ConfigurationError TW-3303 to
    TW-3307 for an expression outside the language. The function raises ContractViolation TW-3310
    where the record makes it impossible to tell the value.

    >>> pick = compile_expression('concat(":", store, till)', where="routes/erp.toml:7")
    >>> pick({"store": "0145", "till": 3})
    '0145:3'
    """
    node = parse(text, codes, Place(where))
    run = expression_function(node, codes, where)
    reads = [part for part in parts_of(node) if isinstance(part, Read)]

    def evaluate(record: Mapping[str, Any]) -> Any:
        try:
            return run(record, record, None, None, None)
        except RowFault as fault:
            raise _violation(fault, text, where, reads, record) from None

    return evaluate


def compile_condition(
    text: str, *, codes: Mapping[str, CodeTable] = _NO_CODES, where: str
) -> Callable[[Mapping[str, Any]], bool]:
    """Return an expression as a yes/no function of a record; a missing value is a no.

    Beyond compile_expression it refuses values that are no condition: a text "false" is not true.

    >>> compile_condition('kind in ("SALE", "RETURN")', where="systems/x.toml:9")({"kind": "SALE"})
    True
    """
    evaluate = compile_expression(text, codes=codes, where=where)

    def decide(record: Mapping[str, Any]) -> bool:
        try:
            return holds(evaluate(record))
        except RowFault as fault:
            raise _violation(fault, text, where, [], record) from None

    return decide


def _violation(
    fault: RowFault, text: str, where: str, reads: list[Read], record: Mapping[str, Any]
) -> ContractViolation:
    found = []
    for part in reads:
        value: Any = record
        for key in part.steps:
            value = lists.step(value, key)
        found.append(f"{part}={safely_shown(value)}")
    path = ".".join(str(step) for step in reads[0].steps) if reads else ""
    breach = Violation(path, fault.rule, ", ".join(found), f"{fault.expected}; {text} at {where}")
    return ContractViolation(
        "TW-3310", f"the expression {text} cannot be told on this record", [breach], at=where
    )
