"""How large a mapping table, an expression and their results may get; shown in the reference.

They bound what a hostile record or a careless table can cost, far above what a real one needs.
"""

MAX_TABLE_CHARACTERS = 256_000
MAX_BLOCK_DEPTH = 5
MAX_EXPRESSION_CHARACTERS = 1_000
MAX_EXPRESSION_PARTS = 250
MAX_EXPRESSION_DEPTH = 25
MAX_LITERAL_CHARACTERS = 200
MAX_LITERAL_DIGITS = 18
MAX_INTEGER_DIGITS = 28
MAX_TEXT_CHARACTERS = 100_000
MAX_PAD_WIDTH = 255
MAX_VIOLATIONS = 100
ARITHMETIC_DIGITS = 50
