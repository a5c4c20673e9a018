"""The bodies of all statement types, and the parts they are made of (DESIGN section 4).

They are read side by side: they are the contract an auditor compares with docs/spec/statement.md.
The payload around a body and the entry stand in ``statement``; what a body does, in ``rules``.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from poc.core.card import CardCommitments
from poc.core.form import (
    ContactId,
    Date,
    ExerciseId,
    Form,
    Kid,
    LineText,
    MessageId,
    Names,
    One,
    PartyId,
    Positive,
    Right,
    Role,
    Sha256,
    ShortText,
    StateId,
    Status,
    Utc,
    sorted_distinct,
)
from poc.core.keys import VerifyKey
from poc.core.strictjson import b64u
from poc.limits import DEVICES_MAX

# --- parts of bodies ---------------------------------------------------------------------------


class SigningJwk(Form):
    """A public Ed25519 key (RFC 8037). Low-order and non-canonical points are refused on reading."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: Annotated[str, Field(min_length=43, max_length=43)]

    def verify_key(self) -> VerifyKey:
        """The key, checked. Raises ``bad-key``."""
        return VerifyKey.from_jwk({"kty": self.kty, "crv": self.crv, "x": self.x})

    @property
    def kid(self) -> str:
        """RFC 7638 thumbprint."""
        return self.verify_key().kid


def jwk_form(key: VerifyKey) -> SigningJwk:
    """The form of a public signing key."""
    return SigningJwk(kty="OKP", crv="Ed25519", x=b64u(key.raw))


def _keys_sorted(keys: tuple[SigningJwk, ...]) -> tuple[SigningJwk, ...]:
    return sorted_distinct(keys, lambda key: key.x, "keys")


SigningJwks = Annotated[
    tuple[SigningJwk, ...], Field(min_length=1, max_length=16), AfterValidator(_keys_sorted)
]


class SealingRef(Form):
    """A device's sealing key in the log; the JWK travels beside and proves itself by ``kid``."""

    kid: Kid
    alg: Literal["HPKE-9-KE"]
    rotate_by: Utc


def _rights_sorted(rights: tuple[str, ...]) -> tuple[str, ...]:
    return sorted_distinct(rights, str, "rights")


Rights = Annotated[tuple[Right, ...], Field(min_length=1, max_length=4), AfterValidator(_rights_sorted)]


class Device(Form):
    """One key holder of a contact or controller: numbered, never named."""

    number: Positive
    key: SigningJwk
    sealing: SealingRef
    may: Rights


def _devices_sorted(devices: tuple[Device, ...]) -> tuple[Device, ...]:
    return sorted_distinct(devices, lambda device: device.number, "devices")


Devices = Annotated[
    tuple[Device, ...], Field(min_length=1, max_length=DEVICES_MAX), AfterValidator(_devices_sorted)
]


class Registrar(Form):
    """An officer of the operator; ``body`` is who sent them, and thresholds count bodies."""

    id: PartyId
    body: StateId
    names: Names
    key: SigningJwk


class Thresholds(Form):
    """How many registrars, each of another body, sign a policy or a suspension."""

    policy: Annotated[int, Field(ge=2, le=16)]
    suspend: Annotated[int, Field(ge=2, le=16)]


class RegistryLimits(Form):
    """Limits of this registry; none may exceed the program's own (``poc.limits``)."""

    body_bytes: Positive
    slots: Positive
    blob_bytes: Positive
    messages_per_hour: Positive


def _registrars_sorted(registrars: tuple[Registrar, ...]) -> tuple[Registrar, ...]:
    return sorted_distinct(registrars, lambda registrar: registrar.id, "registrars")


def _statuses_sorted(statuses: tuple[str, ...]) -> tuple[str, ...]:
    return sorted_distinct(statuses, str, "statuses")


class Settings(Form):
    """The complete settings of a registry: body of ``registry.genesis`` and ``registry.policy``."""

    registrars: Annotated[
        tuple[Registrar, ...], Field(min_length=2, max_length=64), AfterValidator(_registrars_sorted)
    ]
    thresholds: Thresholds
    log_keys: Annotated[tuple[Annotated[str, Field(max_length=400)], ...], Field(min_length=1, max_length=8)]
    hub_keys: SigningJwks
    statuses: Annotated[
        tuple[Status, ...], Field(min_length=1, max_length=3), AfterValidator(_statuses_sorted)
    ]
    quorum: Literal["none", "majority", "two-thirds"]
    freshness_seconds: Annotated[int, Field(ge=60, le=30 * 86_400)]
    objection_seconds: Annotated[int, Field(ge=0, le=90 * 86_400)]
    confirm_seconds: Annotated[int, Field(ge=86_400, le=2 * 366 * 86_400)]
    nomination: Literal["authority", "authority+registrar"]
    limits: RegistryLimits
    entries_access: Literal["parties", "public"]
    counts_public: bool
    rules: One


class StateNames(Form):
    """The State's own names for itself, per language."""

    short: Names
    official: Names


class Authority(Form):
    """The keys of the office that nominates, and how many of them must sign."""

    keys: SigningJwks
    threshold: Annotated[int, Field(ge=1, le=16)]


class NoteVerbale(Form):
    """Reference to the diplomatic note that asked for this; the scan stays outside the log."""

    reference: ShortText
    date: Date
    scan_sha256: Sha256 | None


class CallBack(Form):
    """When the registrar called back, and where the number called was known from (no number)."""

    at: Utc
    source: LineText


# --- bodies ------------------------------------------------------------------------------------


class Attest(Form):
    """Body of ``registry.attest``: a checkpoint of this log and the way from it to this entry."""

    checkpoint: Annotated[str, Field(max_length=65_536)]
    consistency: Annotated[tuple[Sha256, ...], Field(max_length=63)]


class WitnessAppoint(Form):
    """Body of ``witness.appoint``."""

    vkey: Annotated[str, Field(max_length=4096)]
    url: Annotated[str, Field(max_length=200, pattern=r"^https?://[!-~]+$")]


class Enrol(Form):
    """Body of ``state.enrol``."""

    kind: Literal["member", "observer", "organisation"]
    names: StateNames
    authority: Authority
    recovery: SigningJwk | None
    note_verbale: NoteVerbale
    call_back: CallBack


class StateRotate(Form):
    """Body of ``state.rotate``: the complete new authority."""

    authority: Authority
    recovery: SigningJwk | None


class Recover(Form):
    """Body of ``state.recover``; ``overrules`` names the objection that this one overrules."""

    authority: Authority
    recovery: SigningJwk | None
    note_verbale: NoteVerbale
    call_back: CallBack
    overrules: Sha256 | None


class ActsOn(Form):
    """Body of a statement that only names the leaf it acts on, which must still be current."""

    entry: Sha256


def _scope_sorted(scope: tuple[str, ...]) -> tuple[str, ...]:
    return sorted_distinct(scope, str, "scope")


class Suspend(Form):
    """Body of ``state.suspend``: what is cut until when. Receiving can never be cut."""

    reason: Literal["keys-in-doubt", "abuse", "dispute", "at-own-request"]
    scope: Annotated[
        tuple[Literal["nominate", "send"], ...],
        Field(min_length=1, max_length=2),
        AfterValidator(_scope_sorted),
    ]
    until: Utc


class Record(Form):
    """Body of ``contact.record``: level listed, no keys."""

    role: Role
    alternate_of: ContactId | None
    card: CardCommitments
    source: LineText


Custody = Annotated[str, Field(pattern=r"^(own|national|hosted:([a-z]{2}|x-[a-z0-9]{2,16}))$")]


class Update(Form):
    """Body of ``contact.update``: everything about a contact but its devices."""

    role: Role
    alternate_of: ContactId | None
    card: CardCommitments
    machine_receipts: bool
    custody: Custody


class Nominate(Update):
    """Body of ``contact.nominate``: an update together with the complete list of devices."""

    devices: Devices


class DeviceAdd(Form):
    """Body of ``contact.device-add``; ``entry`` is the contact's current nomination or appointment."""

    entry: Sha256
    device: Device


class DeviceRevoke(Form):
    """Body of ``contact.device-revoke``; ``kid`` is the device's current signing key."""

    kid: Kid
    reason: Literal["routine", "compromise", "lost"]
    suspected_since: Utc | None


class Rotate(Form):
    """Body of ``contact.rotate``: a new sealing key or a new signing key for the device of ``kid``."""

    kid: Kid
    signing: SigningJwk | None
    sealing: SealingRef | None


class Tested(Form):
    """Body of ``contact.tested``: a ping that was answered. Misses are never logged."""

    exercise: ExerciseId
    message: MessageId
    acknowledgement_sha256: Sha256


class Appoint(Form):
    """Body of ``controller.appoint``: who runs exercises, with devices like a contact's."""

    names: Names
    body: StateId
    devices: Devices


Body = (
    Settings
    | Attest
    | WitnessAppoint
    | Enrol
    | StateRotate
    | Recover
    | ActsOn
    | Suspend
    | Record
    | Update
    | Nominate
    | DeviceAdd
    | DeviceRevoke
    | Rotate
    | Tested
    | Appoint
)

BODIES: Final[dict[str, type[Body]]] = {
    "registry.genesis": Settings,
    "registry.policy": Settings,
    "registry.attest": Attest,
    "witness.appoint": WitnessAppoint,
    "witness.dismiss": ActsOn,
    "state.enrol": Enrol,
    "state.rotate": StateRotate,
    "state.recover": Recover,
    "state.object": ActsOn,
    "state.suspend": Suspend,
    "state.reinstate": ActsOn,
    "state.withdraw": ActsOn,
    "contact.record": Record,
    "contact.nominate": Nominate,
    "contact.update": Update,
    "contact.device-add": DeviceAdd,
    "contact.device-revoke": DeviceRevoke,
    "contact.rotate": Rotate,
    "contact.confirm": ActsOn,
    "contact.tested": Tested,
    "contact.freeze": ActsOn,
    "contact.thaw": ActsOn,
    "contact.withdraw": ActsOn,
    "controller.appoint": Appoint,
    "controller.dismiss": ActsOn,
}
