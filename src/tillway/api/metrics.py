"""`/metrics`: the figures of a hub as Prometheus reads them; no payload, no key and no person.

Surprising: it needs no login, like the probes. Whoever may reach the address may read counts.
"""

from __future__ import annotations

from tillway.api.asgi import App, Receive, Reply, Scope, Send, problem_reply, send_reply
from tillway.errors import Refused
from tillway.watch import Watch
from tillway.watch.exposition import CONTENT_TYPE

METRICS_ADDRESS = "/metrics"


def metrics_app(watch: Watch) -> App:
    """Return the app that answers a scrape."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            reply = problem_reply(Refused("TW-7010", "metrics are read with GET", status=405))
            reply.headers["allow"] = "GET"
        else:
            reply = Reply(200, await watch.metrics(), CONTENT_TYPE)
        await send_reply(send, reply, receive)

    return app
