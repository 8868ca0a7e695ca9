"""`tillway export`: documents in the standards that other systems read, made from the code."""

from __future__ import annotations

from cyclopts import App

from tillway.cli import exit_codes
from tillway.cli.output import json_text, print_document

export = App(
    name="export",
    help="Documents for other systems, in the standards they read.",
    result_action="return_value",
)


@export.command
def openapi() -> int:
    """Print the OpenAPI 3.1 document of the API; a running hub serves it too.

    Example: tillway export openapi > openapi.json
    """
    from tillway.api.openapi import document

    print_document(json_text(document()))
    return exit_codes.DONE
