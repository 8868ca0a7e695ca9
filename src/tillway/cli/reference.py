"""Writes the reference pages from the code: `python -m tillway.cli.reference DIR`.

Nothing here is written by hand, so that no page can promise what the code does not do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tillway.cli import reference_api, reference_code, reference_model, reference_watch

Page = Callable[[], str]

PAGES: Mapping[str, Page] = {
    "cli.md": reference_code.cli_page,
    "api.md": reference_api.api_page,
    "errors.md": reference_code.errors_page,
    "connectors.md": reference_code.connectors_page,
    "limits.md": reference_code.limits_page,
    "messages.md": reference_model.messages_page,
    "audit-rules.md": reference_model.rules_page,
    "formats.md": reference_model.formats_page,
    "mapping-functions.md": reference_model.functions_page,
    "alert-rules.md": reference_watch.alerts_page,
    "metrics.md": reference_watch.metrics_page,
}


def pages() -> dict[str, str]:
    """Return every page as file name -> text."""
    made = {name: page() for name, page in PAGES.items()}
    titles = {name: text.partition("\n")[0].removeprefix("# ") for name, text in made.items()}
    links = "\n".join(f"* [{title}]({name})" for name, title in titles.items())
    index = f"# Reference\n\nThese pages are written by the code (`make docs`).\n\n{links}\n"
    return {"README.md": index, **made}


def main() -> None:
    """Write every page into the folder named on the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")
    sys.stdout.write(f"{len(PAGES) + 1} pages in {folder}\n")


if __name__ == "__main__":
    main()
