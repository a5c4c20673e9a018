"""Where a contact of this State is nudged: asked of and told to the hub, and kept nowhere here.

What a nudge says stands in ``core.nudge``; sending it is the hub's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from poc.client.api import HubClient
from poc.client.feeds import member
from poc.client.known import Known
from poc.core.form import form_bytes, form_of
from poc.core.nudge import NudgeAddress, NudgeAddresses
from poc.core.strictjson import canonical
from poc.errors import RefusedError


@dataclass(frozen=True, slots=True)
class NudgePlace:
    """One address as the hub shows it. ``standing``: ``confirmed``, ``waits-for-code``, or a code why not.

    ``secret`` is set in the answer that brings a new webhook, and in no other.
    """

    number: int
    kind: str
    address: str
    precedence: str
    languages: tuple[str, ...]
    standing: str
    confirmed_at: str | None
    succeeded_at: str | None
    failed_at: str | None
    failure: str | None
    secret: str | None

    def to_json(self) -> dict[str, Any]:
        """The value shown with ``--json``."""
        return {("from" if name == "precedence" else name): value for name, value in asdict(self).items()}

    def wanted(self) -> NudgeAddress:
        """The same as it is given to the hub. Raises ``bad-form`` for what no hub should have shown."""
        return nudge_address(self.kind, self.address, self.precedence, self.languages)


def nudge_address(kind: str, address: str, precedence: str, languages: Sequence[str]) -> NudgeAddress:
    """An address to give to the hub. Raises ``bad-form``."""
    value = {"kind": kind, "address": address, "from": precedence, "languages": list(languages)}
    return form_of(NudgeAddress, value)


class Nudging:
    """What a desk does about nudges. Mixed into ``Desk``, which has these members.

    Each raises ``unknown-contact``, ``right-missing`` where no key of this home may do it, ``not-found`` for
    a number that is none, and ``hub-unreachable``.
    """

    known: Known
    hub: HubClient

    async def nudge_places(self, contact: str) -> list[NudgePlace]:
        """Where a contact of this State is nudged, and how the last time went."""
        return _places(await self._ask_nudges("GET", contact, b""))

    async def add_nudge_place(self, contact: str, new: NudgeAddress) -> list[NudgePlace]:
        """Add an address, or change from when on it is told; a code goes to a new one.

        Raises ``bad-form``, ``bad-url``, ``host-not-approved``, ``nudges-off``, ``nudge-limit``.
        """
        return await self._change_nudges(
            contact,
            lambda found: [
                *(one for one in found if (one.kind, one.address) != (new.kind, new.address)),
                new,
            ],
        )

    async def remove_nudge_place(self, contact: str, number: int) -> list[NudgePlace]:
        """Have an address erased. Raises ``not-found``."""
        places = await self.nudge_places(contact)
        gone = next((one.wanted() for one in places if one.number == number), None)
        if gone is None:
            raise RefusedError("not-found")
        return await self._change_nudges(contact, lambda found: [one for one in found if one != gone])

    async def confirm_nudge_place(self, contact: str, number: int, code: str) -> None:
        """Confirm an address by the code that came there. Raises ``wrong-code``, ``code-ended``."""
        await self._ask_nudges("POST", contact, canonical({"number": number, "code": code}), "/confirmations")

    async def try_nudge_place(self, contact: str, number: int) -> None:
        """Have a trial, or a new code, sent there. Raises ``nudge-limit``."""
        await self._ask_nudges("POST", contact, canonical({"number": number}), "/trials")

    async def _change_nudges(
        self, contact: str, change: Callable[[list[NudgeAddress]], list[NudgeAddress]]
    ) -> list[NudgePlace]:
        found = [one.wanted() for one in await self.nudge_places(contact)]
        given = form_bytes(NudgeAddresses(addresses=tuple(change(found))))
        return _places(await self._ask_nudges("PUT", contact, given))

    async def _ask_nudges(self, method: str, contact: str, body: bytes, more: str = "") -> Any:
        self.known.directory.contact(contact)
        self.hub.keys = self.known.request_keys()
        try:
            return await self.hub.send_json(method, f"/v1/contacts/{contact}/nudges{more}", body)
        except RefusedError as error:
            if error.code != "not-found":
                raise
            if method == "POST":
                raise RefusedError(
                    "not-found", f"no such address of {contact} that this home may use"
                ) from None
            who = "only its own State sees them; its authority and its devices with `change` set them"
            raise RefusedError("right-missing", f"{contact}: {who}") from None


def _places(answer: Any) -> list[NudgePlace]:
    """The addresses of an answer. Raises ``bad-answer-from-hub``."""
    return [_place(item) for item in member(answer, "addresses", list)]


def _place(item: Any) -> NudgePlace:
    def text(name: str) -> str:
        return str(member(item, name, str))

    def optional(name: str) -> str | None:
        return None if item.get(name) is None else text(name)

    return NudgePlace(
        number=member(item, "number", int),
        kind=text("kind"),
        address=text("address"),
        precedence=text("from"),
        languages=tuple(str(one) for one in member(item, "languages", list)),
        standing=text("standing"),
        confirmed_at=optional("confirmed_at"),
        succeeded_at=optional("succeeded_at"),
        failed_at=optional("failed_at"),
        failure=optional("failure"),
        secret=optional("secret"),
    )
