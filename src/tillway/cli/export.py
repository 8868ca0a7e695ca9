"""`tillway export`: documents in the standards that other systems read, made from the code."""

from __future__ import annotations

import os

from cyclopts import App

from tillway.cli import exit_codes
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, json_text, print_document
from tillway.project import load_project

export = App(
    name="export",
    help="Documents for other systems, in the standards they read.",
    result_action="return_value",
)


@export.command
def openapi(*, json: Json = False) -> int:
    """Print the OpenAPI 3.1 document of the API; a running hub serves it too.

    Example: tillway export openapi > openapi.json
    """
    from tillway.api.openapi import document

    return _printed("openapi", json_text(document()), json=json)


@export.command
def prometheus(*, project: Project = HERE, json: Json = False) -> int:
    """Print the alert rules for a Prometheus with an Alertmanager, with this project's thresholds.

    Example: tillway export prometheus > tillway-rules.yml
    """
    from tillway.watch.prometheus_rules import prometheus_rules
    from tillway.watch.rules import RuleBook, check_names

    choices = load_project(project, environ=os.environ, secrets_needed=False).release.watch.rules
    check_names(choices)
    return _printed("prometheus", prometheus_rules(RuleBook(choices)), json=json)


@export.command
def grafana(*, project: Project = HERE, json: Json = False) -> int:
    """Print a dashboard to import into Grafana; it reads what Prometheus scrapes at /metrics.

    Example: tillway export grafana > tillway-dashboard.json
    """
    from tillway.watch.grafana import dashboard

    release = load_project(project, environ=os.environ, secrets_needed=False).release
    return _printed("grafana", dashboard(release.hub.name), json=json)


def _printed(name: str, text: str, *, json: bool) -> int:
    """Print a document as it is, or as the text in one of ours."""
    emit(f"export.{name}", {"document": text}, lambda _: print_document(text), json)
    return exit_codes.DONE
