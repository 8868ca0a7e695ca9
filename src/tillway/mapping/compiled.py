"""The functions of a mapping table, each written when it is first asked for.

A project has dozens of tables. A command line that looks at one sale needs none of them to run, and
to compile them all was half of what loading a project costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import msgspec

from tillway.mapping.assembly import Function, table_function
from tillway.mapping.codes import CodeTable
from tillway.mapping.quick_assembly import quick_function
from tillway.mapping.rows import Block


class Compiled:
    """The functions of a table whose rows were checked; label stands in a traceback.

    struct: the message it makes, where every number it makes is in the model's normal form.
    """

    def __init__(
        self,
        top: Block,
        codes: Mapping[str, CodeTable],
        label: str,
        struct: type[msgspec.Struct] | None,
    ) -> None:
        self._top = top
        self._codes = codes
        self._label = label
        self._struct = struct

    @cached_property
    def plain(self) -> Function:
        """Return the function from a record to a dict."""
        return table_function(self._top, self._codes, self._label)

    @cached_property
    def quick(self) -> Function | None:
        """Return the function whose result is for the model alone, None where there is none."""
        if self._struct is None:
            return None
        return quick_function(self._top, self._codes, self._label, self._struct)
