"""Who must sign each type of statement, as functions of the directory (DESIGN section 4, the table).

The groups of signers stand in ``signers``; which function belongs to which type, in ``rules``.
"""

from __future__ import annotations

from typing import Any, Final

from poc.core import rules_contact, rules_registry, rules_witness, signers
from poc.core.bodies import Body, Settings
from poc.core.directory import Directory
from poc.core.form import state_of
from poc.core.keys import VerifyKey
from poc.core.signers import Requirement, one_of
from poc.core.statement import Statement
from poc.errors import RefusedError

OVERRULING_MEMBERS: Final = 3


def brought_keys(body: Body) -> dict[str, VerifyKey]:
    """The signing keys a body brings in, by kid."""
    value: Any = body
    jwks = []
    if hasattr(value, "registrars"):
        jwks += rules_registry.signing_keys(value)
    if hasattr(value, "authority"):
        jwks += [*value.authority.keys, *([value.recovery] if value.recovery else [])]
    if hasattr(value, "devices"):
        jwks += [device.key for device in value.devices]
    if hasattr(value, "device"):
        jwks.append(value.device.key)
    if getattr(value, "signing", None) is not None:
        jwks.append(value.signing)
    if hasattr(value, "vkey"):
        jwks.append(rules_witness.witness_jwk(value.vkey))
    keys = [jwk.verify_key() for jwk in jwks]
    return {key.kid: key for key in keys}


def _new(directory: Directory, statement: Statement) -> signers.Group:
    """The keys a statement brings that the directory does not hold yet."""
    return signers.new_keys(kid for kid in brought_keys(statement.body) if kid not in directory.keys)


def _own_new(directory: Directory, statement: Statement) -> signers.Group:
    """The keys a State's statement brings, those too that it brought when it was stopped."""
    records = {kid: directory.keys.get(kid) for kid in brought_keys(statement.body)}
    state = statement.subject
    return signers.new_keys(
        kid for kid, found in records.items() if found is None or directory.is_of_stopped(found, state)
    )


def founding(settings: Settings) -> Requirement:
    """Of a genesis: every registrar it names, and every hub key."""
    hub = signers.new_keys(key.kid for key in settings.hub_keys)
    return one_of([signers.all_registrars(settings.registrars), hub])


def two_registrars(directory: Directory, statement: Statement) -> Requirement:
    """Two registrars of different bodies, and the new keys."""
    pair = signers.registrars(directory.settings.registrars, 2)
    return one_of([pair, _new(directory, statement)])


def enrolment(directory: Directory, statement: Statement) -> Requirement:
    """Two registrars of different bodies, and the State's keys."""
    pair = signers.registrars(directory.settings.registrars, 2)
    return one_of([pair, _own_new(directory, statement)])


def policy(directory: Directory, statement: Statement) -> Requirement:
    """As many registrars of different bodies as the policy asks for, and the new keys.

    Or, without any registrar, the authorities of more than half of the enrolled members.
    """
    settings, new = directory.settings, _new(directory, statement)
    several = signers.registrars(settings.registrars, settings.thresholds.policy)
    members = signers.members(directory)
    if not members:
        return one_of([several, new])
    most = signers.authorities("the authorities of the members", directory, members, len(members) // 2 + 1)
    return one_of([several, new], [most, new])


def recovery(directory: Directory, statement: Statement) -> Requirement:
    """Two registrars and the new keys; to overrule an objection, three other members' authorities too."""
    pair, new = signers.registrars(directory.settings.registrars, 2), _own_new(directory, statement)
    body: Any = statement.body
    directory.state(statement.subject)
    if body.overrules is None:
        return one_of([pair, new])
    others = [state for state in signers.members(directory) if state != statement.subject]
    three = signers.authorities("the authorities of other members", directory, others, OVERRULING_MEMBERS)
    return one_of([pair, new, three])


def objection(directory: Directory, statement: Statement) -> Requirement:
    """To an enrolment, the authority of an enrolled State.

    To a recovery, an old authority key, the recovery key, or devices of two contacts. Raises
    ``unknown-state``, ``not-pending``.
    """
    subject = statement.subject
    found = directory.states.get(subject)
    if found is not None and found.status == "pending":
        enrolled = [s.id for s in directory.states.values() if s.status == "enrolled"]
        return one_of([signers.authorities("the authority of an enrolled State", directory, enrolled, 1)])
    if directory.state(subject).recovering is None:
        raise RefusedError("not-pending", subject)
    old = signers.any_authority_key(directory, subject)
    return one_of([old], [signers.recovery(directory, subject)], [signers.two_contacts(directory, subject)])


def suspension(directory: Directory, _statement: Statement) -> Requirement:
    """As many registrars of different bodies as the policy asks for."""
    settings = directory.settings
    return one_of([signers.registrars(settings.registrars, settings.thresholds.suspend)])


def appointment(directory: Directory, statement: Statement) -> Requirement:
    """The authority of the witness's State, and the witness's key where it is new."""
    return one_of([signers.authority(directory, state_of(statement.subject)), _new(directory, statement)])


def dismissal(directory: Directory, statement: Statement) -> Requirement:
    """The authority of the witness's State or the witness itself. Raises ``unknown-witness``."""
    witness = directory.witness(statement.subject)
    kids = {r.kid: r.kid for r in directory.keys.values() if r.holder == witness.id and r.until is None}
    itself = signers.Group("the witness itself", kids, 1)
    return one_of([signers.authority(directory, witness.state)], [itself])


def hub(directory: Directory, _statement: Statement) -> Requirement:
    """One hub key in force."""
    return one_of([signers.hub_keys(directory)])


def nomination(directory: Directory, statement: Statement) -> Requirement:
    """The State's authority, the new keys, and a registrar where the policy says so."""
    groups = [signers.authority(directory, state_of(statement.subject)), _new(directory, statement)]
    if directory.settings.nomination == "authority+registrar":
        groups.append(signers.registrars(directory.settings.registrars, 1))
    return one_of(groups)


def authority(directory: Directory, statement: Statement) -> Requirement:
    """The authority of the State, or of the contact's State."""
    return one_of([signers.authority(directory, state_of(statement.subject))])


def state_rotation(directory: Directory, statement: Statement) -> Requirement:
    """The threshold of the old keys or the recovery key, and the new keys.

    Where the recovery key itself changes, only the recovery key: a stolen authority never takes it over.
    """
    state, new = statement.subject, _new(directory, statement)
    body: Any = statement.body
    by_recovery = [signers.recovery(directory, state), new]
    kept = None if body.recovery is None else body.recovery.kid
    if kept != directory.state(state).recovery_kid:
        return one_of(by_recovery)
    return one_of([signers.authority(directory, state), new], by_recovery)


def freezing(directory: Directory, statement: Statement) -> Requirement:
    """A device with ``change`` of any contact of the State."""
    return one_of([signers.changers(directory, directory.contact(statement.subject).state)])


def update(directory: Directory, statement: Statement) -> Requirement:
    """The authority; a device with ``change`` too, if nothing but the reach part and receipts change."""
    contact = directory.contact(statement.subject)
    by_authority = [signers.authority(directory, contact.state)]
    body: Any = statement.body
    if rules_contact.differs_only_in_reach(contact, body):
        return one_of(by_authority, [signers.devices(directory, contact.id, "change", 1)])
    return one_of(by_authority)


def _superior(directory: Directory, subject: str) -> signers.Group:
    """Who stands above a party: its State's authority, or two registrars for a controller."""
    if subject in directory.controllers:
        return signers.registrars(directory.settings.registrars, 2)
    return signers.authority(directory, state_of(subject))


def device_add(directory: Directory, statement: Statement) -> Requirement:
    """The authority or registrars above the party, or two devices with ``change``; and the new keys."""
    subject, new = statement.subject, _new(directory, statement)
    pair = signers.devices(directory, subject, "change", 2)
    return one_of([_superior(directory, subject), new], [pair, new])


def device_revoke(directory: Directory, statement: Statement) -> Requirement:
    """The authority or registrars above the party, the device itself, or one with ``change``."""
    subject = statement.subject
    body: Any = statement.body
    itself = signers.Group("the device itself", {body.kid: body.kid}, 1)
    changer = signers.devices(directory, subject, "change", 1)
    return one_of([_superior(directory, subject)], [itself], [changer])


def rotation(directory: Directory, statement: Statement) -> Requirement:
    """The device's old key and the new one."""
    body: Any = statement.body
    old = signers.Group("the device's old key", {body.kid: body.kid}, 1)
    return one_of([old, _new(directory, statement)])


def confirmation(directory: Directory, statement: Statement) -> Requirement:
    """The authority, or a device with ``change``."""
    subject = statement.subject
    changer = signers.devices(directory, subject, "change", 1)
    return one_of([signers.authority(directory, state_of(subject))], [changer])


def controllers(directory: Directory, _statement: Statement) -> Requirement:
    """A device with ``send`` of a controller in office."""
    in_office = [c for c in directory.controllers.values() if not c.dismissed]
    kids = {d.kid: d.kid for c in in_office for d in c.devices if "send" in d.may}
    return one_of([signers.Group("a controller's devices with the right to send", kids, 1)])
