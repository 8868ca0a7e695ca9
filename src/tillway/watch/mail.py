"""Sends one notice as an e-mail: SMTP with STARTTLS or TLS, in a thread of its own.

The Message-ID is that of the letter, so a notice that was sent twice is one to the reader.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from tillway.clock import MICROSECONDS
from tillway.errors import Transient
from tillway.project.alert_records import Receiver
from tillway.security.secrets import Secret
from tillway.watch.spool import Letter

SMTP_SECONDS = 20.0
DOMAIN = "alerts.tillway.invalid"


async def send_mail(receiver: Receiver, letter: Letter, folder: Path) -> None:
    """Hand a letter to the mail server. Raises Transient TW-7104 when it was not taken."""
    try:
        await asyncio.to_thread(_send, receiver, _message(receiver, letter), folder)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise Transient(
            "TW-7104",
            f"{receiver.host}:{receiver.port} did not take the mail: {_told(error)}",
            receiver=receiver.name,
        ) from None


def _message(receiver: Receiver, letter: Letter) -> EmailMessage:
    message = EmailMessage()
    message["From"] = receiver.sender
    message["To"] = ", ".join(receiver.to)
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = formatdate(letter.created_at / MICROSECONDS)
    message["Message-ID"] = f"<{letter.letter_id}@{DOMAIN}>"
    message["X-Priority"] = "1" if letter.priority == "P1" else "3"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


def _send(receiver: Receiver, message: EmailMessage, folder: Path) -> None:
    context = _context(receiver, folder)
    with _connected(receiver, context) as server:
        if receiver.security == "starttls":
            server.starttls(context=context)
        if receiver.user:
            server.login(receiver.user, _plain(receiver.password))
        refused = server.send_message(message)
    if refused:
        raise ValueError(f"refused for {', '.join(sorted(refused))}")


def _connected(receiver: Receiver, context: ssl.SSLContext) -> smtplib.SMTP:
    place = (receiver.host, receiver.port)
    if receiver.security == "tls":
        return smtplib.SMTP_SSL(*place, timeout=SMTP_SECONDS, context=context)
    return smtplib.SMTP(*place, timeout=SMTP_SECONDS)


def _context(receiver: Receiver, folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(
        cafile=folder / receiver.ca_file if receiver.ca_file else None
    )


def _plain(password: str) -> str:
    return password.reveal() if isinstance(password, Secret) else password


def _told(error: Exception) -> str:
    """Return what the server said; a wrong password is named without it."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        words = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {' '.join(words.split())}"
    return str(error) or type(error).__name__
