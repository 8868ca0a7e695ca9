"""Says things in the reader's language: texts through gettext, figures and dates as read there.

English is the source, so an English text needs no catalogue. Sentences of other rooms (a store's
reason, a step of a trace) are found by their pattern in `told.py` and translated like the rest.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import msgspec

from tillway.console.told import translated
from tillway.observe.amounts import Money, amount_text
from tillway.observe.moments import age_text
from tillway.reconcile import Amount

LANGUAGES: Mapping[str, str] = {"en": "English", "tr": "Türkçe"}
"""code -> how its readers call it."""
USUAL = "en"
COOKIE = "tillway_language"
_AGE_UNITS = {"tr": {"s": "sn", "min": "dk", "h": "sa", "d": "g"}}


def language_of(cookie: str, accepted: str) -> str:
    """Return the language of a reader: as chosen, else the first known one of Accept-Language."""
    for part in cookie.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and value in LANGUAGES:
            return value
    for wanted in accepted.lower().split(","):
        code = wanted.strip().partition(";")[0].partition("-")[0]
        if code in LANGUAGES:
            return code
    return USUAL


@cache
def speech_in(language: str) -> Speech:
    """Return how to speak a language of LANGUAGES."""
    return Speech(language, _catalogue(language))


class Speech(msgspec.Struct, frozen=True, eq=False):
    """One language; every method returns plain text, which templates escape."""

    language: str
    catalogue: gettext.NullTranslations

    def text(self, message: str, **values: object) -> str:
        """Return a text with its values: `%(store)s` is replaced by the value of that name."""
        found = self.catalogue.gettext(message) if message else ""
        return found % values if values else found

    def many(self, one: str, more: str, count: int, **values: object) -> str:
        """Return the form for a count; `%(count)s` is the count as read in the language."""
        found = self.catalogue.ngettext(one, more, count)
        return found % {"count": self.number(count), **values}

    def told(self, sentence: str) -> str:
        """Return a sentence that another room wrote in English."""
        if self.language == USUAL:
            return sentence
        return translated(sentence, self.catalogue.gettext)

    def number(self, figure: float | Decimal) -> str:
        """Return a figure with its thousands apart; a fraction is shown with one digit."""
        whole = isinstance(figure, int) or figure == int(figure)
        return self._apart(f"{int(figure):,}" if whole else f"{figure:,.1f}")

    def amount(self, amount: Decimal | None, currency: str) -> str:
        """Return an amount in its currency, "" where there is none."""
        if amount is None or not currency:
            return ""
        return self._apart(amount_text(amount, currency))

    def money(self, money: Money) -> str:
        """Return amounts per currency, `-` where there is none."""
        return ", ".join(self.amounts(money)) or "-"

    def amounts(self, money: Money) -> list[str]:
        """Return each amount of some money."""
        return [self.amount(amount, name) for name, amount in sorted(money.items())]

    def kept_amount(self, text: str | None, currency: str) -> str:
        """Return an amount that is kept as text, in the digits of its currency."""
        return self._apart(str(Amount(Decimal(text), currency))) if text else ""

    def age(self, seconds: float) -> str:
        """Return a length of time: `3 min`, `2 h 05 min`."""
        units = _AGE_UNITS.get(self.language, {})
        return " ".join(units.get(part, part) for part in age_text(seconds).split())

    def moment(self, at: str, zone: str) -> str:
        """Return RFC 3339 as local date and time with its offset, "" for none."""
        if not at:
            return ""
        offset = _in_zone(at, zone).isoformat()[-6:]
        return f"{self.short(at, zone)} {offset}"

    def short(self, at: str, zone: str) -> str:
        """Return RFC 3339 as local date and time."""
        if not at:
            return ""
        form = "%d.%m.%Y %H:%M:%S" if self.language == "tr" else "%Y-%m-%d %H:%M:%S"
        return _in_zone(at, zone).strftime(form)

    def clock(self, at: str, zone: str) -> str:
        """Return RFC 3339 as local time of day."""
        return _in_zone(at, zone).strftime("%H:%M:%S") if at else ""

    def day(self, day: str) -> str:
        """Return a date `2026-11-20` as it is read."""
        if self.language != "tr" or not day:
            return day
        return date.fromisoformat(day).strftime("%d.%m.%Y")

    def _apart(self, text: str) -> str:
        """Return a figure with the signs of the language: 1,204.50 is 1.204,50 in Turkish."""
        return text.translate({44: ".", 46: ","}) if self.language == "tr" else text


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == USUAL:
        return gettext.NullTranslations()
    place = resources.files("tillway.console") / "locale" / language / "LC_MESSAGES" / "tillway.mo"
    with place.open("rb") as file:
        return gettext.GNUTranslations(file)


def _in_zone(at: str, zone: str) -> datetime:
    return datetime.fromisoformat(at).astimezone(ZoneInfo(zone))
