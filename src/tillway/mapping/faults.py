"""Why one row failed on one record; turned into a Violation before it leaves the room.

A fault carries no value: the row that failed knows its source values and masks them.
"""


class RowFault(Exception):
    """One row cannot make its value: rule is a short stable word, expected says what would do."""

    def __init__(self, rule: str, expected: str) -> None:
        super().__init__(expected)
        self.rule = rule
        self.expected = expected
