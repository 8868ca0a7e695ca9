"""Renders the pages: Jinja2 with escaping always on, one environment for each language.

Payloads are text here, never markup; a name that a template does not know is an error, not a blank.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tillway.console.assets import asset
from tillway.console.speech import LANGUAGES, Speech
from tillway.console.told import N_

SIGNS: Mapping[str, tuple[str, str, str]] = {
    "ok": ("✓", N_("on time"), "good"),
    "late": ("…", N_("late"), "warn"),
    "stuck": ("!", N_("stuck"), "bad"),
    "silent": ("?", N_("silent"), "warn"),
    "unseen": ("·", N_("not heard yet"), "dim"),
    "delivered": ("✓", N_("delivered"), "good"),
    "pending": ("→", N_("on its way"), "dim"),
    "sending": ("→", N_("being sent"), "dim"),
    "held": ("‖", N_("held"), "warn"),
    "in_doubt": ("?", N_("in doubt"), "bad"),
    "dead": ("!", N_("could not be delivered"), "bad"),
    "abandoned": ("×", N_("given up"), "dim"),
    "quarantined": ("!", N_("in quarantine"), "bad"),
    "conflict": ("≠", N_("conflict"), "bad"),
    "closed": ("✓", N_("answering"), "good"),
    "half_open": ("…", N_("trying again (breaker half open)"), "warn"),
    "open": ("!", N_("not answering (breaker open)"), "bad"),
    "balanced": ("✓", N_("balanced"), "good"),
    "unbalanced": ("!", N_("differs"), "bad"),
    "good": ("✓", N_("done"), "good"),
    "waiting": ("→", N_("waiting"), "warn"),
    "bad": ("!", N_("failed"), "bad"),
    "note": ("·", N_("note"), "dim"),
    "flowing": ("✓", N_("flowing"), "good"),
    "quiet": ("·", N_("no data"), "dim"),
    "behind": ("!", N_("behind"), "bad"),
    "kept": ("✓", N_("promise kept"), "good"),
    "broken": ("!", N_("promise broken"), "bad"),
    "P1": ("!", N_("P1 at once"), "bad"),
    "P2": ("!", N_("P2 soon"), "bad"),
    "P3": ("·", N_("P3 hourly"), "warn"),
    "P4": ("·", N_("P4 daily"), "dim"),
}
"""state -> (sign, word, colour class): a sign never stands without its word, nor colour alone."""

_AFTER_A_MARK = re.compile(r"(?<=[._:-])")


@cache
def _environment(speech: Speech) -> Environment:
    made = Environment(
        loader=PackageLoader("tillway.console", "templates"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(speech.catalogue, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(
        age=speech.age,
        money=speech.money,
        amounts=speech.amounts,
        amount=speech.amount,
        local=speech.moment,
        short=speech.short,
        clock=speech.clock,
        day=speech.day,
        number=speech.number,
        told=speech.told,
        upper_first=lambda text: text[:1].upper() + text[1:],
        currency_digits=speech.kept_amount,
        part=lambda text: quote(str(text), safe=""),
        breaks=_breaks,
    )
    made.globals.update(
        sign=lambda state: _sign(speech, state),
        language=speech.language,
        languages=LANGUAGES,
        asset=asset,
    )
    return made


def page(speech: Speech, template: str, values: Mapping[str, Any]) -> bytes:
    """Return a page as UTF-8."""
    return _environment(speech).get_template(template).render(values).encode()


def _breaks(text: str) -> Markup:
    """Return a dotted name that may be broken after its dots and lines, escaped."""
    return Markup("<wbr>").join(_AFTER_A_MARK.split(text))


def _sign(speech: Speech, state: str) -> tuple[str, str, str]:
    if state not in SIGNS:
        return ("·", state.replace("_", " "), "dim")
    mark, word, look = SIGNS[state]
    return mark, speech.text(word), look
