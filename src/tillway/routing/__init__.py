"""Which routes a message belongs to, and which lane: pure functions over route records."""

from tillway.routing.route import Route

__all__ = ["Route"]
