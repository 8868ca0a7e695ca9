"""How a call to an endpoint proves who calls and how long it may take; target and fetcher share it.

Surprising: there is one way to prove it at a time, so that nobody has to guess which one counted.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated

from msgspec import Meta, Struct

from tillway.connect.settings import says
from tillway.security.secrets import Secret


class HttpAccess(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every call of ours carries."""

    headers: Annotated[
        dict[str, str], says("Further headers of every call.", {"accept": "application/json"})
    ] = {}
    bearer_token: Annotated[
        str, says("Token for `Authorization: Bearer`.", "${secret:erp_token}", secret=True)
    ] = ""
    basic_user: Annotated[str, says("User for basic authentication.", "tillway")] = ""
    basic_password: Annotated[
        str, says("Password for basic authentication.", "${secret:erp_password}", secret=True)
    ] = ""
    secret_header: Annotated[str, says("Header that carries secret_value.", "X-Api-Key")] = ""
    secret_value: Annotated[
        str, says("Secret for that header.", "${secret:erp_key}", secret=True)
    ] = ""
    timeout_seconds: Annotated[float, says("Deadline of one call."), Meta(gt=0)] = 10.0
    connect_seconds: Annotated[
        float, says("Part of it to get a connection, half at most."), Meta(gt=0)
    ] = 3.0
    keep_alive_seconds: Annotated[
        float, says("How long an idle connection is kept; below the endpoint's own; 0 for none.")
    ] = 4.0

    def __post_init__(self) -> None:
        schemes = (self.bearer_token, self.basic_user, self.secret_header)
        if sum(bool(scheme) for scheme in schemes) > 1:
            raise ValueError("set one of bearer_token, basic_user and secret_header")


def access_headers(access: HttpAccess) -> dict[str, str]:
    """Return the headers that every call carries, names as they were set."""
    headers = {name: _plain(value) for name, value in access.headers.items()}
    if access.bearer_token:
        headers["authorization"] = "Bearer " + _plain(access.bearer_token)
    elif access.basic_user:
        pair = _plain(access.basic_user) + ":" + _plain(access.basic_password)
        headers["authorization"] = "Basic " + b64encode(pair.encode()).decode()
    elif access.secret_header:
        headers[access.secret_header] = _plain(access.secret_value)
    return headers


def _plain(text: str) -> str:
    return text.reveal() if isinstance(text, Secret) else text
