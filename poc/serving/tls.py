"""TLS in the server itself, where no proxy stands before it: its context, and a renewed certificate taken up.

TLS 1.2 and 1.3 only, with the ciphers OpenSSL holds for good. Where a certificate comes from is not here.
"""

from __future__ import annotations

import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from poc.errors import PocError, RefusedError
from poc.logs import log_event

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate chain and its key as PEM files, and the context new connections are made with."""

    certificate: Path
    key: Path
    context: ssl.SSLContext

    @classmethod
    def load(cls, certificate: Path, key: Path) -> Tls:
        """Read both files. Raises ``bad-tls``, ``tls-key-open``."""
        return cls(certificate, key, _context(certificate, key))

    def reload(self) -> None:
        """Take the files as they are now for new connections; where they cannot be used nothing changes."""
        try:
            _context(self.certificate, self.key)  # in a context apart: half a change would end the service
            self.context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except PocError as error:
            log_event("tls", code=error.code, message=error.message)
        except (OSError, ssl.SSLError) as error:
            log_event("tls", code="bad-tls", message=type(error).__name__)
        else:
            log_event("tls", code=None, message=None)


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if key.stat().st_mode & _OTHERS:
            raise RefusedError("tls-key-open", str(key))
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # of ssl too
        why = error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
        raise RefusedError("bad-tls", f"{certificate.name}, {key.name}: {why}") from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    """An encrypted key is refused: nobody is there to be asked."""
    return ""
