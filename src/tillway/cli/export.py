"""`tillway export`: documents in the standards that other systems read, made from the code."""

from __future__ import annotations

import os

from cyclopts import App

from tillway.cli import exit_codes
from tillway.cli.options import HERE, Project
from tillway.cli.output import json_text, print_document
from tillway.project import load_project

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


@export.command
def prometheus(*, project: Project = HERE) -> int:
    """Print the alert rules for a Prometheus with an Alertmanager, with this project's thresholds.

    Example: tillway export prometheus > tillway-rules.yml
    """
    from tillway.watch.prometheus_rules import prometheus_rules
    from tillway.watch.rules import RuleBook, check_names

    choices = load_project(project, environ=os.environ, secrets_needed=False).release.watch.rules
    check_names(choices)
    print_document(prometheus_rules(RuleBook(choices)))
    return exit_codes.DONE


@export.command
def grafana(*, project: Project = HERE) -> int:
    """Print a dashboard to import into Grafana; it reads what Prometheus scrapes at /metrics.

    Example: tillway export grafana > tillway-dashboard.json
    """
    from tillway.watch.grafana import dashboard

    release = load_project(project, environ=os.environ, secrets_needed=False).release
    print_document(dashboard(release.hub.name))
    return exit_codes.DONE
