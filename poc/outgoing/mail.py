"""Mail, encrypted on the way to the server, or not sent at all unless the settings say so.

What a message says is for its writers: ``client.mail`` for findings, ``hub.sending`` for nudges.
"""

from __future__ import annotations

import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import aiosmtplib

from poc.config import MailSettings
from poc.errors import RefusedError, UnreachableError
from poc.keyring import read_secret_file

SECONDS_MAX: Final = 30
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


def check_mail_settings(settings: MailSettings, *needed: str) -> None:
    """Return only if mail can be sent by these settings, those ``needed`` beside the server included.

    Raises ``mail-not-set``, ``bad-setting``.
    """
    missing = [name for name in ("mail_server", "mail_from", *needed) if not getattr(settings, name)]
    if missing:
        raise RefusedError("mail-not-set", ", ".join(missing))
    if settings.mail_user is not None and settings.mail_tls == "none":
        raise RefusedError("bad-setting", "mail_user: a password is never sent in plain text; set mail_tls")
    if (settings.mail_user is None) != (settings.mail_password_file is None):
        raise RefusedError("bad-setting", "mail_user and mail_password_file go together")


async def send_mail(message: EmailMessage, settings: MailSettings) -> None:
    """Hand a message to the server.

    Raises ``mail-failed`` (try again), ``mail-refused`` (also where one of several recipients was),
    ``mail-not-encrypted``. None of them names an address.
    """
    host, _, port = str(settings.mail_server).partition(":")
    client = aiosmtplib.SMTP(
        hostname=host,
        port=int(port or _PORTS[settings.mail_tls]),
        use_tls=settings.mail_tls == "tls",
        start_tls=False,  # asked for below, so that a server without it is told from one that fails
        tls_context=None if settings.mail_tls == "none" else _context(settings),
        timeout=SECONDS_MAX,
    )
    try:
        await _connect(client, settings)
        await _deliver(client, message, settings)
    except aiosmtplib.SMTPResponseException as error:
        raise _refused(error.code) from None
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _refused(*(one.code for one in error.recipients)) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise UnreachableError("mail-failed", type(error).__name__) from error
    finally:
        client.close()


async def _connect(client: aiosmtplib.SMTP, settings: MailSettings) -> None:
    try:
        await client.connect()
        if settings.mail_tls == "starttls":
            await client.ehlo()
            if not client.supports_extension("starttls"):
                raise RefusedError("mail-not-encrypted", "no STARTTLS")
            await client.starttls()
    except (aiosmtplib.SMTPException, OSError) as error:
        if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            raise RefusedError("mail-not-encrypted", "its certificate does not verify, or no TLS") from None
        raise


async def _deliver(client: aiosmtplib.SMTP, message: EmailMessage, settings: MailSettings) -> None:
    if settings.mail_user is not None and settings.mail_password_file is not None:
        password = read_secret_file(settings.home / settings.mail_password_file)
        await client.login(settings.mail_user, password)
    refused, _ = await client.send_message(message)
    if refused:
        raise _refused(*(answer.code for answer in refused.values()))
    await client.quit()


def _context(settings: MailSettings) -> ssl.SSLContext:
    file: Path | None = None if settings.mail_ca_file is None else settings.home / settings.mail_ca_file
    try:
        return ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise RefusedError("bad-setting", f"mail_ca_file: {type(error).__name__}") from None


def _refused(*codes: int) -> RefusedError | UnreachableError:
    """A refusal by the server: one that may pass, or one for good."""
    told = f"{len(codes)} answered {', '.join(str(code) for code in sorted(set(codes)))}"
    if all(400 <= code < 500 for code in codes):
        return UnreachableError("mail-failed", told)
    return RefusedError("mail-refused", told)
