"""Receivers of notices as they are in the world: a mail server, and a web service that is wary.

The signature is checked here by hand, from the text of Standard Webhooks, not with our own code.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "tillway", "post-office"
TOLERANCE_SECONDS = 300


@dataclass
class PostOffice:
    """A mail server with STARTTLS and a password; broken, it takes no mail.

    Without slots: aiosmtpd looks at every member of its handler, and early Pythons trip over those.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    broken: bool = False

    @property
    def subjects(self) -> list[str]:
        """Return the subject of each mail, oldest first."""
        return [str(mail["Subject"]) for mail in self.mails]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the name aiosmtpd looks for
        """Take one mail."""
        if self.broken:
            return "451 come back later"
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"


@asynccontextmanager
async def post_office(folder: Path) -> AsyncIterator[PostOffice]:
    """Run a mail server; its certificate is `folder/mail.pem`."""
    office = PostOffice()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate(folder))

    def known(_server: Any, _session: Any, _envelope: Any, _way: str, given: Any) -> AuthResult:
        right = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
        return AuthResult(success=right, handled=not right)

    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            office,
            hostname="127.0.0.1",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=known,
        ),
        "127.0.0.1",
        0,
    )
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for this machine; return its file and that of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(_loopback())]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "mail.pem", folder / "mail.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@dataclass(slots=True)
class Hook:
    """A web service that takes what is signed with its secret, and notes everything else."""

    secret: str
    url: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    beats: int = 0
    broken: bool = False

    @property
    def types(self) -> list[str]:
        """Return what each notice was, oldest first."""
        return [one["type"] for one in self.taken]

    async def take(self, request: web.Request) -> web.Response:
        """Check one call and keep it."""
        body = await request.read()
        if self.broken:
            return web.Response(status=503)
        headers = request.headers
        why = why_wrong(self.secret, headers, body, self.now)
        if why:
            self.refused.append(why)
            return web.Response(status=401)
        self.ids.append(headers["webhook-id"])
        self.taken.append(json.loads(body))
        return web.Response(status=204)

    async def beat(self, _request: web.Request) -> web.Response:
        """Count one heartbeat."""
        self.beats += 1
        return web.Response(status=200)

    now: Any = time.time


def why_wrong(secret: str, headers: Any, body: bytes, now: Any) -> str:
    """Return what is wrong with a call by Standard Webhooks, "" when nothing is."""
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not stamp.isdigit() or "." in message_id:
        return "no id or no time"
    if abs(now() - int(stamp)) > TOLERANCE_SECONDS:
        return "too old"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b".".join([message_id.encode(), stamp.encode(), body])
    right = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")
    if any(hmac.compare_digest(one, f"v1,{right}") for one in given):
        return ""
    return "wrong signature"


@asynccontextmanager
async def web_hook(secret: str, kind: type[Hook] | None = None) -> AsyncIterator[Hook]:
    """Run a web service, of another kind if one is given; its heartbeat lives at /beat."""
    hook = (kind or Hook)(secret)
    app = web.Application()
    app.router.add_post("/alerts", hook.take)
    app.router.add_get("/beat", hook.beat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    hook.url = f"http://127.0.0.1:{port}"
    try:
        yield hook
    finally:
        await runner.cleanup()


def _loopback() -> Any:
    from ipaddress import ip_address

    return ip_address("127.0.0.1")
