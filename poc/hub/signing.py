"""The hub's signature under receipts, and why it cannot be given."""

from __future__ import annotations

from poc.core.evidence import Receipt
from poc.core.jws import RECEIPT
from poc.core.keys import SigningKey
from poc.core.receipts import sign_form
from poc.errors import PocError, RefusedError, UnreachableError
from poc.hub.log import Log


class ReceiptSigner:
    """Signs receipts while the registry names the key at hand as a hub key in force."""

    def __init__(self, log: Log, hub_key: SigningKey | None) -> None:
        self._log = log
        self._hub_key = hub_key

    @property
    def reason(self) -> PocError | None:
        """Why no receipt can be signed now, apart from the log's own reasons; None when all is well."""
        if self._log.is_empty or self._is_in_force():
            return None
        return RefusedError("no-hub-key", self._log.view.directory.origin)

    def sign(self, form: Receipt) -> str:
        """The compact JWS of a receipt. Raises ``read-only``, ``restore-unproved``."""
        if self._log.held is not None:
            raise self._log.held
        if self._hub_key is None or self._log.read_only or not self._is_in_force():
            raise UnreachableError("read-only")
        return sign_form(form, RECEIPT, self._hub_key)

    def _is_in_force(self) -> bool:
        record = None if self._hub_key is None else self._log.view.directory.keys.get(self._hub_key.kid)
        return record is not None and record.role == "hub" and record.until is None
