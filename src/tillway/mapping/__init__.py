"""Mapping tables and code tables: neutral record to canonical message, canonical to target.

One row per target field, in a small expression language; compiled once, exact throughout.
"""

from tillway.mapping.codes import CodeTable, load_code_table
from tillway.mapping.diagnosis import RowTrace
from tillway.mapping.expression import compile_condition, compile_expression
from tillway.mapping.functions import FUNCTIONS, SPECIAL_FORMS, Function
from tillway.mapping.table import MappingTable, load_table, table_problems

__all__ = [
    "FUNCTIONS",
    "SPECIAL_FORMS",
    "CodeTable",
    "Function",
    "MappingTable",
    "RowTrace",
    "compile_condition",
    "compile_expression",
    "load_code_table",
    "load_table",
    "table_problems",
]
