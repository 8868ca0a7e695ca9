"""HTTP in both directions: a door others POST to, and any REST endpoint we POST to."""

from tillway.connectors.http.registration import REGISTRATION

__all__ = ["REGISTRATION"]
