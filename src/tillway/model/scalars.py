"""The single values that messages are made of: identifiers, exact numbers, dates and times.

The note on each number (`extra`) decides its normal form; its pattern reaches the exported JSON
Schema, where a Decimal would otherwise be any text.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from msgspec import Meta

EXACT_PATTERN = r"^-?[0-9]{1,13}(\.[0-9]{1,5})?$"

Identifier = Annotated[str, Meta(min_length=1, max_length=255)]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
KeyText = Annotated[str, Meta(min_length=1, max_length=300)]
# In Python "$" also matches before a line feed at the end; "(?!\n)" does not let it.
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}(?!\\n)$")]
Gtin14 = Annotated[str, Meta(pattern="^[0-9]{14}(?!\\n)$")]
LastFour = Annotated[str, Meta(pattern="^[0-9]{4}(?!\\n)$")]
Version = Annotated[int, Meta(ge=0)] | Identifier

Count = Annotated[int, Meta(ge=0)]
Position = Annotated[int, Meta(ge=1)]
BusinessDate = date
Moment = Annotated[datetime, Meta(tz=True)]

Money = Annotated[
    Decimal, Meta(extra={"exact": "money"}, extra_json_schema={"pattern": EXACT_PATTERN})
]
Quantity = Annotated[
    Decimal, Meta(extra={"exact": "decimal"}, extra_json_schema={"pattern": EXACT_PATTERN})
]
Percent = Annotated[
    Decimal, Meta(extra={"exact": "decimal"}, extra_json_schema={"pattern": EXACT_PATTERN})
]
Rate = Annotated[
    Decimal, Meta(extra={"exact": "decimal"}, extra_json_schema={"pattern": EXACT_PATTERN})
]
