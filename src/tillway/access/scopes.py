"""Which shops a person or key looks after: written as words, worked out against the project.

`store:0145`, `region:north` and `country:DE`, any number of them; none at all means every shop.
A region is what the column of that name in stores.csv says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tillway.errors import ConfigurationError
from tillway.project.records import Store
from tillway.spelling import nearest

KINDS: Mapping[str, Callable[[Store], str]] = {
    "store": lambda store: store.business_unit_id,
    "region": lambda store: store.region,
    "country": lambda store: store.country,
}


def stores_of(scope: Iterable[str], stores: Mapping[str, Store]) -> frozenset[str] | None:
    """Return the shops of a scope, None for all; a word that fits no shop any more adds none."""
    words = tuple(scope)
    if not words:
        return None
    found: set[str] = set()
    for word in words:
        kind, _, name = word.partition(":")
        of = KINDS.get(kind)
        if of is not None:
            found.update(one for one, store in stores.items() if of(store) == name)
    return frozenset(found)


def check_scope(scope: Iterable[str], stores: Mapping[str, Store]) -> tuple[str, ...]:
    """Return a scope sorted and without repeats.

    Raises ConfigurationError TW-8013 for a word of another form or one that fits no shop.
    """
    words = tuple(sorted(set(scope)))
    for word in words:
        kind, colon, name = word.partition(":")
        if kind not in KINDS or not colon:
            advice = f"{nearest(kind, KINDS)}Write store:0145, region:north or country:DE."
            raise _wrong(word, f'"{word}" names no shops', advice)
        known = sorted({KINDS[kind](store) for store in stores.values()} - {""})
        if name not in known:
            raise _wrong(word, f"no shop has {kind} {name}", nearest(name, known))
    return words


def _wrong(word: str, sentence: str, advice: str) -> ConfigurationError:
    return ConfigurationError("TW-8013", sentence, path="scope", value=word, advice=advice)
