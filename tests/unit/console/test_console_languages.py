"""Every text of the pages goes through the catalogue, and the Turkish one has words for each."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from operating_world import call
from tillway.console import catalogues
from tillway.console.speech import language_of, speech_in
from unit.console.test_console_pages import PAGES, World, world

__all__ = ["world"]
TEMPLATES = sorted((catalogues.ROOM / "templates").glob("*.html"))
SHOWN = ("aria-label", "title", "placeholder", "alt", "data-label")
NAMES = frozenset({"Tillway", "API", "ERP", "TEXT", "Enter", "html", "utf"})
"""Words that are the same in every language."""
CODE_WORD = re.compile(r"\S*:\S+")
"""`store:0001`: written the same in every language."""
SILENT = ("code", "kbd", "pre")
LETTERS = re.compile(r"[^\W\d_]{2,}")
COOKIE = {"cookie": "tillway_language=tr"}


class _Texts(HTMLParser):
    """Collects what a template shows without the help of an expression."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag, attrs):
        """Note attributes that people read; code and keys are no texts."""
        self.silent += tag in SILENT
        self.found += [value or "" for name, value in attrs if name in SHOWN]

    def handle_endtag(self, tag):
        """Leave a code or a key."""
        self.silent -= tag in SILENT

    def handle_data(self, data):
        """Note a text."""
        if not self.silent:
            self.found.append(data)


def hard_coded(text: str) -> list[str]:
    """Return the words a template shows that did not go through the catalogue."""
    bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.DOTALL)
    parser = _Texts()
    parser.feed(bare)
    words = [word for shown in parser.found for word in LETTERS.findall(CODE_WORD.sub("", shown))]
    return [word for word in words if word not in NAMES]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.stem)
def test_no_template_has_a_hard_coded_text(template: Path) -> None:
    """What people read stands in an expression that translates it."""
    assert hard_coded(template.read_text()) == []


def test_a_hard_coded_text_is_found() -> None:
    """Positive control: a bare word and a bare label are seen, code and expressions are not."""
    text = '<p title="Hint">Bare {{ _("fine") }} <code>tillway find</code></p>'
    assert hard_coded(text) == ["Hint", "Bare"]


def test_turkish_has_words_for_every_text() -> None:
    """Nothing that is collected from templates, tables and code lacks a translation."""
    assert catalogues.missing("tr") == []


def test_the_compiled_catalogue_is_up_to_date() -> None:
    """The file a hub reads says what the file people edit says."""
    compiled = catalogues.LOCALE / "tr" / "LC_MESSAGES" / "tillway.mo"
    assert compiled.read_bytes() == catalogues.compiled("tr")


def test_each_translation_keeps_its_values() -> None:
    """A value that the English text has stands in the Turkish one, and no other."""
    for message in catalogues.catalogue("tr"):
        if not message.id:
            continue
        english = message.id if isinstance(message.id, str) else message.id[1]
        turkish = message.string if isinstance(message.string, str) else message.string[0]
        values = [set(re.findall(r"%\(\w+\)s", text)) for text in (english, turkish)]
        assert values[0] == values[1], english


@pytest.mark.parametrize("path", [*PAGES, "/stores", "/stuck", "/traffic", "/alerts", "/settings"])
async def test_every_page_speaks_turkish(world: World, path: str) -> None:
    """Language, navigation and figures follow the reader; codes and types stay."""
    page = (await world.get(path, headers=COOKIE)).text
    assert '<html lang="tr">' in page
    assert "Takılan para" in page
    assert "Skip to the content" not in page


async def test_money_and_dates_follow_the_reader(world: World) -> None:
    """The same amount and moment, written as each language writes them."""
    assert "25.00 EUR" in (await world.get("/")).text
    assert "25,00 EUR" in (await world.get("/", headers=COOKIE)).text
    turkish = speech_in("tr")
    assert turkish.number(1234567) == "1.234.567"
    assert turkish.short("2026-11-20T13:02:07Z", "Europe/Berlin") == "20.11.2026 14:02:07"
    assert turkish.age(7500) == "2 sa 05 dk"
    assert speech_in("en").age(7500) == "2 h 05 min"


async def test_a_sentence_of_another_room_is_translated(world: World) -> None:
    """Why a store is stuck is told in the reader's language, with its figures."""
    page = (await world.get("/", headers=COOKIE)).text
    assert "erp hedefine ulaştırılamadı" in page
    assert "could not be delivered to" not in page


@pytest.mark.parametrize(
    ("cookie", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "tr-TR,tr;q=0.9,en;q=0.8", "tr"),
        ("", "fr,de;q=0.9", "en"),
        ("a=b; tillway_language=en", "tr", "en"),
        ("tillway_language=xx", "tr", "tr"),
    ],
)
def test_the_language_is_chosen_or_the_browsers(cookie: str, accepted: str, language: str) -> None:
    """A choice stands above what the browser asks for; what is unknown is English."""
    assert language_of(cookie, accepted) == language


async def test_the_language_is_kept_in_a_cookie(world: World) -> None:
    """The buttons return to the page they were pressed on, never to another site."""
    token = await world.token()
    answer = await world.post("/language", f"form_token={token}&language=tr&page=/stuck")
    assert (answer.status, answer.headers["location"]) == (303, "/stuck")
    assert answer.headers["set-cookie"].startswith("tillway_language=tr; Path=/")
    away = await world.post("/language", f"form_token={token}&language=tr&page=//evil.example")
    assert away.headers["location"] == "/"
    refused = await world.post("/language", f"form_token={token}&language=xx")
    assert refused.status == 400


async def test_who_asks_for_turkish_gets_it(world: World) -> None:
    """A browser that says so needs no choice."""
    page = await call(world.app, "/", headers={"accept-language": "tr"})
    assert '<html lang="tr">' in page.text
