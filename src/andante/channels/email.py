"""E-mail, by a server that takes mail for others: one message to one mailbox.

What is known after an attempt hangs on how far it came (RFC 5321): before the dot that ends the message nothing was
taken; after it, without an answer, nobody knows. Mail that sells carries a way out by one click (RFC 8058), or does
not go. The message's id tells ours from made-up ones when it comes back in a report.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Final

import aiosmtplib

from andante.channels.contract import Answer, Receipt, Status
from andante.channels.email_reports import DECISION, GONE_CODES, Names, reports
from andante.channels.http import trusted
from andante.channels.presentation import email_html, email_text, forms, unable, unsendable
from andante.channels.secret_file import read_secret
from andante.vocabulary.fault import InputFault, SettingsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from andante.channels.catalogue import Means
    from andante.channels.contract import Address, Push
    from andante.settings.sections.channels import EmailOptions

TURN_S: Final = 5.0
"""How long a push waits for its turn on the line: there is one."""

BEFORE_S: Final = 12.0
"""How long all may last that comes before the message itself."""

AFTER_S: Final = 10.0
"""How long the server may take to say that it has the message."""

_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DOTS = re.compile(rb"^\.", re.MULTILINE)
_AUTH_CODES: Final = frozenset({530, 534, 535, 538})
_CLOSING, _START, _OK = 421, 354, 250
_PERMANENT = 500


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    tls: str = "starttls"  # "starttls", "tls" from the first byte, or "none"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    trust: ssl.SSLContext | None = None


class Email:
    """E-mail as a channel, over one connection that is kept."""

    provider = "email"
    forms = forms("email")

    def __init__(
        self, server: Server, from_address: str, names: Names, *, now_s: Callable[[], float] = time.time
    ) -> None:
        """Store them; nothing is connected yet."""
        self._server, self._names, self._now_s = server, names, now_s
        name, mailbox = parseaddr(from_address)
        self._from = Mailbox(display_name=name, addr_spec=mailbox)
        self._line: aiosmtplib.SMTP | None = None
        self._turn = asyncio.Lock()

    def checked(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return an address as it is to be kept: its ``email``. Raises InputFault where it is no mailbox."""
        return {"email": mailbox_of(value)}

    async def send(self, push: Push, address: Address) -> Answer:
        """Make one attempt."""
        if refusal := unsendable(push, self.forms, self._now_s()):
            return refusal
        if push.unsubscribe_url is None and not push.transactional:
            return unable("unsubscribe", "mail that sells needs a way out: set service.public_url")
        try:
            to = mailbox_of(address.value)
            message = self.written(push, to, address.address_id).as_bytes()
        except InputFault as fault:
            return Answer(status=Status.GONE, code="mailbox", detail=str(fault))
        except ValueError as error:  # a line break in what becomes a header
            return unable("content", f"cannot be written as a mail ({error})")
        try:
            async with asyncio.timeout(TURN_S):
                await self._turn.acquire()
        except TimeoutError:
            return Answer(status=Status.BUSY, code="turn", detail="other mail was on the line all the time")
        try:
            return await self._handed_over(message, to)
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Let go of the connection."""
        self._drop()

    def receipts(self, headers: dict[str, str], body: bytes) -> list[Receipt]:  # noqa: ARG002  the mail signs itself
        """Return what a mail reports that came back: a bounce (RFC 3464) or a complaint (RFC 5965).

        Raises InputFault where it is of no mail of ours, or cannot be read.
        """
        return reports(body, self._names)

    def written(self, push: Push, to: str, address_id: str) -> EmailMessage:
        """Return the message. Raises ValueError where something does not fit into a header."""
        message = EmailMessage(policy=SMTP)
        message["From"] = self._from
        message["To"] = Mailbox(addr_spec=to)
        message["Subject"] = _in_header(push.content.title)
        message["Date"] = datetime.fromtimestamp(int(self._now_s()), UTC)
        message["Message-ID"] = self._names.message_id(_in_header(push.decision_id), address_id, self._from.domain)
        message[DECISION] = self._names.signed(push.decision_id)
        if push.expires_s is not None:
            message["Expires"] = format_datetime(datetime.fromtimestamp(push.expires_s, UTC))
        if push.unsubscribe_url is not None:
            message["List-Unsubscribe"] = f"<{_one_line(push.unsubscribe_url)}>"
            if push.unsubscribe_url.startswith("https://"):
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(email_text(push))
        message.add_alternative(email_html(push), subtype="html")
        return message

    async def _handed_over(self, message: bytes, to: str) -> Answer:
        """Hand a message over; a line that did not end well is not used again."""
        sound = False
        try:
            async with asyncio.timeout(BEFORE_S):
                line = await self._ready(to)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            sound = isinstance(error, aiosmtplib.SMTPResponseException) and error.code != _CLOSING
            return before(error)
        else:
            answer = await self._ended(line, message)
            sound = answer.status is not Status.AMBIGUOUS
            return answer
        finally:
            if not sound:
                self._drop()

    async def _ready(self, to: str) -> aiosmtplib.SMTP:
        """Return a line on which the server waits for the message. Raises what the server or the line does."""
        line = self._line
        if line is not None:
            try:
                await line.rset()  # a line that was kept may be gone
            except (aiosmtplib.SMTPException, OSError):
                self._drop()
                line = None
        line = line or await self._connected()
        await line.mail(self._from.addr_spec)
        await line.rcpt(to)
        started = await line.execute_command(b"DATA")
        if started.code != _START:
            raise aiosmtplib.SMTPDataError(started.code, started.message)
        return line

    async def _connected(self) -> aiosmtplib.SMTP:
        of = self._server
        line = self._line = aiosmtplib.SMTP(
            hostname=of.host,
            port=of.port,
            username=of.user,
            password=of.password,
            use_tls=of.tls == "tls",
            start_tls=of.tls == "starttls",
            tls_context=of.trust or trusted(),
            local_hostname=self._from.domain,
            timeout=BEFORE_S,
        )
        await line.connect()
        return line

    async def _ended(self, line: aiosmtplib.SMTP, message: bytes) -> Answer:
        """Send the message and its dot, and return what the server says to it."""
        protocol = line.protocol
        try:
            if protocol is None:
                raise aiosmtplib.SMTPServerDisconnected("the line was lost")
            protocol.write(_DOTS.sub(b"..", message) + b".\r\n")
            said = await protocol.read_response(timeout=AFTER_S)
        except (aiosmtplib.SMTPException, OSError) as error:
            detail = "the line broke when the message was on its way"
            return Answer(status=Status.AMBIGUOUS, code=f"DATA {type(error).__name__}", detail=detail)
        if said.code != _OK:
            return judged_by_code(said.code, said.message)
        return Answer(status=Status.ACCEPTED, code=_code(said.code, said.message), raw=_raw(said.message))

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line = None


def email(options: EmailOptions, means: Means) -> Email:
    """Open the channel. Raises SettingsFault where the password cannot be read, or would travel in the clear."""
    password = None if options.password_file is None else read_secret("password_file", options.password_file)
    if (options.user is None) != (password is None):
        given = "user" if password is None else "password_file"
        raise SettingsFault(given, None, "stands alone", "give both user and password_file, or neither")
    if options.user is not None and options.tls == "none" and not _is_here(options.host):
        problem = "would send the password in the clear"
        raise SettingsFault("tls", options.tls, problem, 'write tls = "starttls", or "tls" with port 465')
    server = Server(options.host, options.port, options.tls, options.user, password, trusted(options.ca_file))
    return Email(server, options.from_address, Names(means.secret("email", token_urlsafe)))


def mailbox_of(value: Mapping[str, Any]) -> str:
    """Return the mailbox of an address. Raises InputFault."""
    mailbox = value.get("email")
    if not isinstance(mailbox, str) or not _MAILBOX.fullmatch(mailbox) or ".." in mailbox:
        raise InputFault("address email", None, "is no mailbox in ASCII", 'send {"email": "ann@mail.example"}')
    return mailbox


def before(error: Exception) -> Answer:
    """Return what an error means that came before the message was on its way: nothing was taken, for sure."""
    if isinstance(error, aiosmtplib.SMTPRecipientRefused):
        return judged_by_code(error.code, error.message, of_mailbox=True)
    if isinstance(error, aiosmtplib.SMTPConnectResponseError | aiosmtplib.SMTPHeloError) and error.code >= _PERMANENT:
        return unable("server", f"the mail server does not serve us ({error.code} {_raw(error.message)})")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return judged_by_code(error.code, error.message)
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLError):
        return unable("tls", f"the mail server is not who it should be, or speaks no TLS ({cause.reason or 'refused'})")
    lost = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError, aiosmtplib.SMTPTimeoutError)
    if isinstance(error, aiosmtplib.SMTPException) and not isinstance(error, lost):
        return unable("server", f"the mail server cannot do what is asked of it ({_raw(error.message)})")
    return Answer(status=Status.BUSY, code=type(error).__name__, detail="the line broke before the message was sent")


def judged_by_code(code: int, said: str, *, of_mailbox: bool = False) -> Answer:
    """Return what a server's reply means: 4yz later, 5yz never; who we are, and mailboxes that are not, apart.

    >>> judged_by_code(550, "5.1.1 no such user", of_mailbox=True).status
    <Status.GONE: 'gone'>
    """
    named = _code(code, said)
    if code in _AUTH_CODES:
        status = Status.UNABLE
    elif code < _PERMANENT:
        status = Status.BUSY
    elif of_mailbox and named.partition(" ")[2] in GONE_CODES:
        status = Status.GONE
    else:
        status = Status.REFUSED
    return Answer(status=status, code=named, raw=_raw(said))


def _code(code: int, said: str) -> str:
    enhanced = _ENHANCED.match(said)
    return f"{code} {enhanced[1]}" if enhanced else str(code)


def _raw(said: str) -> str:
    """Return what a server said, on one line, without the mailbox that it may repeat."""
    return re.sub(r"[^\s<>]+@[^\s<>]+", "…", " ".join(said.encode("ascii", "replace").decode().split()))[:500]


def _in_header(text: str) -> str:
    """Return what may stand in a header. The library takes a line break at the end of it, which would end them all."""
    if _BREAKS.search(text):
        raise ValueError("a line break or a control character in a header")
    return text


def _one_line(url: str) -> str:
    if not url.isascii() or any(character in url for character in "<> "):
        raise ValueError("an address has characters that no header can hold")
    return _in_header(url)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
