"""Brings notices to people: one letter per receiver, in order, again and again until it is taken.

A letter that cannot be sent holds back those behind it for the same receiver, so that nobody hears
of an end before the beginning; other receivers do not wait.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from tillway.clock import MICROSECONDS
from tillway.connect.http_client import HttpClient
from tillway.errors import ConfigurationError, TillwayError
from tillway.project.alert_records import QuietHours, Receiver
from tillway.project.records import Release
from tillway.spelling import nearest
from tillway.watch.alerts import Alert, Notice
from tillway.watch.mail import send_mail
from tillway.watch.notices import document_of, subject_of, text_of
from tillway.watch.spool import Letter, State
from tillway.watch.webhook import alert_client, send_heartbeat, send_webhook

BACK_OFF_SECONDS = (5, 15, 60, 180, 600, 900)
GIVE_UP_SECONDS = 24 * 3600
MOST_LETTERS = 1000
_log = logging.getLogger(__name__)


class Notifier:
    """Writes letters into a state and sends what is due."""

    def __init__(
        self, release: Release, state: State, new_id: Callable[[], str], client: HttpClient | None
    ) -> None:
        self._release = release
        self._settings = release.watch
        self._state = state
        self._new_id = new_id
        self._client = client or alert_client()
        self._heart_failed = False

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    def post(self, notices: Iterable[Notice], now: int) -> None:
        """Write a letter to everybody who hears of these notices."""
        for notice in notices:
            for receiver in self._receivers(notice):
                letter = self._letter(notice, receiver, now)
                letter.next_at = self._after_quiet(receiver, notice.priority, now)
                self._state.letters.append(letter)
        if len(self._state.letters) > MOST_LETTERS:
            _log.error("letters about alerts pile up; the oldest are given up")
            del self._state.letters[: len(self._state.letters) - MOST_LETTERS]

    async def deliver(self, now: int, keep: Callable[[], Awaitable[None]]) -> None:
        """Send every letter that is due; keep the state after each that was taken.

        A hub that is killed meanwhile sends again only the one letter it had in hand.
        """
        held: set[str] = set()
        for letter in list(self._state.letters):
            if letter.receiver in held:
                continue
            if letter.next_at > now:
                # Quiet hours hold back one priority, not what is more urgent.
                if letter.attempts:
                    held.add(letter.receiver)
                continue
            if await self._sent(letter, now):
                await keep()
            elif letter in self._state.letters:
                held.add(letter.receiver)

    async def test(self, names: Iterable[str], now: int) -> dict[str, str]:
        """Send a marked message through each channel at once; return receiver -> "" or why not.

        Raises ConfigurationError TW-7105 for a receiver that does not exist.
        """
        found = {}
        for name in names or sorted(self._settings.receivers):
            receiver = self._known(name)
            notice = Notice("test", "P4", (_example(now),))
            try:
                await self._send(receiver, self._letter(notice, receiver, now), now)
            except TillwayError as error:
                found[name] = error.detail
            else:
                found[name] = ""
        if not found:
            raise ConfigurationError("TW-7105", "no receiver of alerts is set up")
        return found

    async def beat(self) -> None:
        """Send the heartbeat; what does not answer is told once."""
        url = self._settings.heartbeat_url
        if not url:
            return
        try:
            await send_heartbeat(self._client, url)
        except TillwayError as error:
            if not self._heart_failed:
                _log.warning("the heartbeat was not taken: %s", error)
            self._heart_failed = True
        else:
            self._heart_failed = False

    def _receivers(self, notice: Notice) -> list[Receiver]:
        known = self._settings.receivers
        if notice.receivers:
            return [known[name] for name in notice.receivers if name in known]
        later = {name for step in self._settings.escalations for name in step.receivers}
        told = [one for name, one in known.items() if name not in later]
        if notice.kind == "recovered":
            reached = notice.alerts[0].steps
            for step in self._settings.escalations[:reached]:
                told += [known[name] for name in step.receivers if known[name] not in told]
        return [one for one in told if notice.priority in one.priorities]

    def _letter(self, notice: Notice, receiver: Receiver, now: int) -> Letter:
        project, console = self._release.hub.name, self._settings.console_url
        zone = self._release.hub.time_zone
        document = document_of(notice, project, console, now)
        return Letter(
            letter_id=f"msg_{self._new_id()}",
            receiver=receiver.name,
            priority=notice.priority,
            subject=subject_of(notice, project),
            text=text_of(notice, project, console, zone, now),
            document=msgspec.json.encode(document).decode(),
            created_at=now,
            next_at=now,
        )

    async def _sent(self, letter: Letter, now: int) -> bool:
        receiver = self._settings.receivers.get(letter.receiver)
        if receiver is None:
            self._state.letters.remove(letter)
            return False
        try:
            await self._send(receiver, letter, now)
        except TillwayError as error:
            letter.error = error.detail
            letter.attempts += 1
            pause = BACK_OFF_SECONDS[min(letter.attempts, len(BACK_OFF_SECONDS)) - 1]
            letter.next_at = now + pause * MICROSECONDS
            if now - letter.created_at > GIVE_UP_SECONDS * MICROSECONDS:
                self._state.letters.remove(letter)
                _log.error("a notice for %s was given up after a day: %s", receiver.name, error)
            elif letter.attempts == 1:
                _log.warning("a notice for %s was not taken: %s", receiver.name, error)
            return False
        self._state.letters.remove(letter)
        return True

    async def _send(self, receiver: Receiver, letter: Letter, now: int) -> None:
        if receiver.kind == "email":
            await send_mail(receiver, letter, self._release.folder)
        else:
            await send_webhook(self._client, receiver, letter, now)

    def _after_quiet(self, receiver: Receiver, priority: str, now: int) -> int:
        """Return when a receiver may hear of this: now, or when its quiet hours end."""
        quiet = receiver.quiet
        if quiet is None or priority not in quiet.priorities:
            return now
        local = datetime.fromtimestamp(now / MICROSECONDS, ZoneInfo(self._release.hub.time_zone))
        if not _is_quiet(quiet, local):
            return now
        ends = datetime.combine(local.date(), quiet.ends, local.tzinfo)
        if ends <= local:
            ends += timedelta(days=1)
        return round(ends.timestamp() * MICROSECONDS)

    def _known(self, name: str) -> Receiver:
        receivers = self._settings.receivers
        if name not in receivers:
            raise ConfigurationError(
                "TW-7105",
                f'there is no receiver "{name}"',
                value=name,
                advice=f"{nearest(name, receivers)}Receivers: "
                f"{', '.join(sorted(receivers)) or 'none yet'}.",
            )
        return receivers[name]


def _is_quiet(quiet: QuietHours, local: datetime) -> bool:
    if quiet.begins <= quiet.ends:
        return quiet.begins <= local.time() < quiet.ends
    return local.time() >= quiet.begins or local.time() < quiet.ends


def _example(now: int) -> Alert:
    return Alert(
        name="00000000",
        rule="SuccessRate",
        subject="test",
        priority="P4",
        headline="this is a test of the channel, nothing is wrong",
        since=now,
        opened_at=now,
    )
