"""Sentences that other rooms write in English, as patterns a catalogue can translate.

The command line and the logs speak English; a page speaks the reader's language. A sentence that
matches no pattern stays as it is: a detail in English is better than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

Translate = Callable[[str], str]


def N_(message: str) -> str:  # noqa: N802 - the name that marks a text for the catalogue
    """Mark a text for the catalogue; it is translated where it is shown."""
    return message


SENTENCES: tuple[str, ...] = (
    N_("%(count)s could not be delivered to %(target)s"),
    N_("%(count)s in doubt at %(target)s"),
    N_("%(count)s held for %(target)s"),
    N_("%(count)s on the way to %(target)s"),
    N_("%(count)s in quarantine"),
    N_("oldest %(age)s"),
    N_("nothing heard for %(age)s"),
    N_("has sent nothing yet"),
    N_("accepted"),
    N_("came in by %(door)s, stored at position %(position)s"),
    N_("duplicate"),
    N_("the same content came again: answered, not stored"),
    N_("has findings"),
    N_("conflict"),
    N_("another content under the same key is kept as %(name)s; the first one stands"),
    N_("quarantined"),
    N_("delivered"),
    N_("taken as %(reference)s after %(tries)s tries"),
    N_("taken as %(reference)s"),
    N_("taken after %(tries)s tries"),
    N_("taken"),
    N_("dead"),
    N_("held"),
    N_("in doubt"),
    N_("sending"),
    N_("abandoned"),
    N_("pending"),
    N_("on its way"),
    N_("not carried"),
    N_("this route passes it over"),
    N_("superseded by revision %(revision)s"),
    N_("first try: %(outcome)s"),
    N_("tried again: %(outcome)s"),
    N_("tried again by a person: %(outcome)s"),
    N_("transient"),
    N_("permanent"),
    N_("not connected"),
    N_("will be tried again"),
    N_("waits behind an earlier message of its lane"),
    N_("waits until its findings are looked at"),
    N_("held by a person"),
    N_("held until its findings are looked at"),
    N_("nobody knows whether the target took it"),
    N_("card numbers or personal data were masked before it was stored"),
    N_("retention let it go"),
    N_("mapped again now; it was sent by release %(release)s"),
    N_("Number %(number)s has not arrived: the last of %(where)s is %(last)s."),
    N_("Number %(number)s is earlier: the first of %(where)s is %(first)s."),
    N_(
        "Number %(number)s is a gap: %(where)s sent %(first)s to %(last)s, and this one never came."
    ),
    N_("store %(store)s till %(till)s on %(date)s"),
    N_("Store %(store)s was last heard %(age)s ago."),
    N_("Nothing of store %(store)s was accepted yet."),
    N_("Store %(store)s (%(name)s) has sent nothing at all so far."),
    N_("Store %(store)s is not known here. %(nearest)s"),
    N_("Store %(store)s is not known here."),
    N_("Till %(till)s of store %(store)s never sent anything. %(known)s"),
    N_("Known tills: %(tills)s."),
    N_("It sent no receipts yet."),
    N_("Till %(till)s of store %(store)s sent nothing for %(date)s; it sent for %(dates)s."),
    N_(
        "No message has receipt number %(number)s. Numbers repeat between tills: %(example)s names"
        " store, till and number, and says why it is absent."
    ),
    N_(
        "%(route)s: %(failed)s of %(tried)s deliveries fail from %(stores)s stores"
        " (%(rate)s succeed at %(target)s)"
    ),
    N_("%(route)s: %(failed)s of %(tried)s deliveries fail (%(rate)s succeed at %(target)s)"),
    N_("%(route)s: %(rate)s of deliveries succeed"),
    N_("%(target)s is slow: 95 of 100 messages of %(route)s arrive within %(p95)s s, %(told)s"),
    N_("usually %(seconds)s s at this hour"),
    N_("promised are %(seconds)s s"),
    N_("%(route)s stands still: %(count)s messages wait and nothing is tried"),
    N_("%(target)s has not been answering for %(age)s"),
    N_("%(source)s is quiet: %(count)s messages in 5 minutes, usually about %(expected)s"),
    N_("store %(store)s has been silent for %(age)s"),
    N_("all %(count)s shops of %(group)s are silent, the last of them for %(age)s"),
    N_("its longest silence today was %(age)s"),
    N_("store %(store)s: the clock of till %(till)s is ahead by %(age)s"),
    N_("store %(store)s: the clock of till %(till)s is behind by %(age)s"),
    N_("or it sends its sales so late"),
    N_("the tills of %(count)s of %(of)s stores tell another time than the hub"),
    N_("so many at once: look at the clock of the hub's machine first"),
    N_("store %(store)s: receipt numbers are missing on %(date)s (%(numbers)s)"),
    N_("%(count)s dead letters on %(route)s: %(code)s"),
    N_("%(count)s messages of %(route)s were given up at the deadline"),
    N_("%(count)s messages of %(route)s are in doubt"),
    N_("%(system)s sent %(count)s messages again with another content"),
    N_("%(target)s answered %(status)s: %(text)s"),
)
_VALUE = re.compile(r"%\((\w+)\)s")
_APART = re.compile(r"(; | - |, )")


def translated(sentence: str, translate: Translate) -> str:
    """Return a sentence in the language of a catalogue; parts that are joined go one by one."""
    whole = _one(sentence, translate)
    if whole is not None:
        return whole
    parts = _APART.split(sentence)
    return "".join(_one(part, translate) or part for part in parts)


def _one(sentence: str, translate: Translate) -> str | None:
    if sentence in SENTENCES:
        return translate(sentence)
    for message, pattern in _patterns():
        if found := pattern.fullmatch(sentence):
            values = {
                name: _one(value, translate) or value for name, value in found.groupdict().items()
            }
            return translate(message) % values
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((one, _pattern(one)) for one in SENTENCES if "%(" in one)


def _pattern(message: str) -> re.Pattern[str]:
    """Return what a sentence looks like whose values are not known yet."""
    pieces = _VALUE.split(message)
    made = [
        f"(?P<{piece}>.+?)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces)
    ]
    return re.compile("".join(made), re.DOTALL)
