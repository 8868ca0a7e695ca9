"""How large a mapping table, an expression and their results may get; shown in the reference.

They bound what a hostile record or a careless table can cost, far above what a real one needs.
"""

MAX_TABLE_CHARACTERS = 256_000
"""Characters of one mapping table."""

MAX_BLOCK_DEPTH = 5
"""Levels of `[each]` and `[group]` blocks inside one another."""

MAX_EXPRESSION_CHARACTERS = 1_000
"""Characters of one expression."""

MAX_EXPRESSION_PARTS = 250
"""Names, values, calls and operators of one expression."""

MAX_EXPRESSION_DEPTH = 25
"""Levels of brackets and calls inside one expression."""

MAX_LITERAL_CHARACTERS = 200
"""Characters of a text written in an expression."""

MAX_LITERAL_DIGITS = 18
"""Characters of a number written in an expression."""

MAX_INTEGER_DIGITS = 28
"""Digits of a whole number that an expression reads or makes."""

MAX_TEXT_CHARACTERS = 100_000
"""Characters of a text that an expression makes."""

MAX_PAD_WIDTH = 255
"""Width that `pad` may be asked for."""

MAX_VIOLATIONS = 100
"""Failing rows told of one record; those after them are not looked for."""

ARITHMETIC_DIGITS = 50
"""Digits that decimals are calculated with; a number beyond them is a violation."""

REMEMBERED_TEXTS = 32_768
"""Texts whose reading is remembered, per function."""

REMEMBERED_PARTS = 8_192
"""Parts of messages (an item, say) that are remembered, per place of a mapping table."""

REMEMBERED_CHARACTERS = 64
"""A longer text is read anew: it seldom comes twice, and many of them would fill the memory."""
