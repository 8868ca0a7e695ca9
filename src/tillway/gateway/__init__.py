"""The HTTP doorway: owns the socket, mounts the push sources, answers health questions."""

from tillway.gateway.app import Gateway
from tillway.gateway.server import Server, serve

__all__ = ["Gateway", "Server", "serve"]
