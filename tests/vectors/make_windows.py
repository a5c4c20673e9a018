"""Two more logs of a registry: what waits for a window or for an attest.

`log-windows.json` has no witnesses: enrolments that are objected to, recoveries, suspensions and a policy by
the members, on the time of the entries. `log-witnessed.json` has witnesses, a quorum and attested time.
``make_registry`` writes them with its own files. Nothing of `poc` is used; what comes out is stated.

Like there, a case is one line and there are many.
"""

# ruff: noqa: E501 (a case is one line)

from __future__ import annotations

import json
from typing import Any

from tests.vectors.make_log import mth, vkey
from tests.vectors.make_registry import (
    ORIGIN,
    REGISTRARS,
    UN,
    Case,
    Story,
    authority,
    b64u,
    contact_row,
    device,
    device_row,
    enrolment,
    fingerprint_of,
    jwk,
    key_row,
    kid,
    nomination,
    sealing_kid,
    settings,
    time,
    update,
)

# fmt: off
DAY = 86400
WINDOW = 3 * DAY
EIGHT = tuple(f"ot {number}" for number in range(1, 9))


def entry_of(story: Story, index: int) -> Case:
    return {"entry": story.hash_of(index)}


def recovery(*labels: str, recovery_key: str | None = None, threshold: int = 1, overrules: str | None = None) -> Case:
    whole = enrolment("sd")
    return {
        **authority(*labels, recovery=recovery_key, threshold=threshold),
        "note_verbale": whole["note_verbale"], "call_back": whole["call_back"], "overrules": overrules,
    }


def fresh(story: Story, label: str, number: int) -> Case:
    """A device whose sealing key is 60 days younger than it need be."""
    at = time(story.now + 60 * DAY)
    return device(label, number, sealing={"kid": sealing_kid(label), "alg": "HPKE-9-KE", "rotate_by": at})


def enrolling(state: str, *labels: str, recovery_key: str | None = None, threshold: int = 1, **changes: Any) -> Case:
    return enrolment(state) | authority(*labels, recovery=recovery_key, threshold=threshold) | changes


# --- windows on the time of the entries ---


def begin(story: Story) -> None:
    """0 to 7: a genesis with a window of three days, five States, two contacts."""
    story.add("registry.genesis", ORIGIN, settings(objection_seconds=WINDOW), *REGISTRARS, "hub")
    story.add("state.enrol", "jo", enrolling("jo", "jo 1"), *REGISTRARS, "jo 1")
    story.variant("an objection by the State itself", "signature-not-called-for", "state.object", "jo", entry_of(story, 1), "jo 1")
    story.variant("an enrolment beside one that waits", "already-enrolled", "state.enrol", "jo", enrolling("jo", "jo 2"), *REGISTRARS, "jo 2")
    story.variant("a withdrawal of a State that waits", "unknown-state", "state.withdraw", "jo", entry_of(story, 1), "jo 1")
    story.variant("a rotation by a State that waits", "unknown-state", "state.rotate", "jo", authority("jo 2"), "jo 1", "jo 2")
    story.variant("a suspension of a State that waits", "unknown-state", "state.suspend", "jo", suspension(story, DAY), *REGISTRARS)
    story.add("state.enrol", "sd", enrolling("sd", "sd 1", "sd 2", recovery_key="sd recovery", threshold=2), *REGISTRARS, "sd 1", "sd 2", "sd recovery")
    story.variant("an objection by a State that waits", "signature-not-called-for", "state.object", "jo", entry_of(story, 1), "sd 1", "sd 2")
    story.add("state.enrol", "eg", enrolling("eg", "eg 1"), *REGISTRARS, "eg 1")
    story.add("state.enrol", "ma", enrolling("ma", "ma 1"), *REGISTRARS, "ma 1")
    story.add("state.enrol", "tn", enrolling("tn", "tn 1", kind="observer"), *REGISTRARS, "tn 1")
    due = 60 + WINDOW
    named = nomination("jo.technical", "jt 1", "jt 2")
    early = {"logged": due - 1, "issued": due - 1}
    story.variant("a nomination a second before the window has passed", "unknown-state", "contact.nominate", "jo.technical", named, "jo 1", "jt 1", "jt 2", **early)
    story.wait_until(due)
    story.variant("an objection when the window has passed", "not-pending", "state.object", "jo", entry_of(story, 1), "sd 1", "sd 2")
    story.add("contact.nominate", "jo.technical", named, "jo 1", "jt 1", "jt 2")
    story.wait_until(60 * 5 + WINDOW)
    few = nomination("jo.diplomatic", role="diplomatic", devices=[device("jd 1", 1), device("jd 2", 2, ["send"])])
    story.add("contact.nominate", "jo.diplomatic", few, "jo 1", "jd 1", "jd 2")


def suspension(story: Story, seconds: int, *scope: str, at: int | None = None) -> Case:
    until = (story.now if at is None else at) + seconds
    return {"reason": "abuse", "scope": list(scope) or ["send"], "until": time(until)}


def objected_enrolment(story: Story) -> None:
    """8 to 12: om is enrolled, stopped, tried again, objected to in vain, in force."""
    first = enrolling("om", "om 1", recovery_key="om recovery")
    story.add("state.enrol", "om", first, *REGISTRARS, "om 1", "om recovery")

    def objects(name: str, expect: str, of: int, *by: str, state: str = "om") -> None:
        story.variant(name, expect, "state.object", state, entry_of(story, of), *by)

    objects("an objection that names another entry", "not-pending", 7, "sd 1", "sd 2")
    objects("an objection to a State nobody enrolled", "unknown-state", 8, "sd 1", "sd 2", state="ly")
    objects("an objection to what is in force", "not-pending", 1, "sd 1", "sd 2", state="jo")
    objects("an objection by one key of two", "signatures-missing", 8, "sd 1")
    objects("an objection by registrars", "signature-not-called-for", 8, *REGISTRARS)
    objects("an objection by a device", "signature-not-called-for", 8, "jt 1")
    objects("an objection by the recovery key of another State", "signature-not-called-for", 8, "sd recovery")
    objects("an objection by the enrolment's own keys", "signature-not-called-for", 8, "om 1")
    story.add("state.object", "om", entry_of(story, 8), "tn 1")
    at = story.now - 60
    objects("an objection to what is stopped", "unknown-state", 8, "sd 1", "sd 2")

    def again(name: str, expect: str, body: Case, *by: str, **changes: Any) -> None:
        story.variant(name, expect, "state.enrol", "om", body, *REGISTRARS, *by, **changes)

    called: Case = {"call_back": {"at": time(at), "source": "published switchboard"}}
    early: Case = {"call_back": {"at": time(at - 1), "source": "published switchboard"}}
    second = enrolling("om", "om 1", "om 2", threshold=2, **called)
    again("tried again on a call a second before the objection", "call-back-too-old", enrolling("om", "om 1", "om 2", threshold=2, **early), "om 1", "om 2")
    again("a key named again that does not sign again", "signatures-missing", second, "om 2")
    again("the recovery key of the stopped one as authority", "key-in-use", enrolling("om", "om recovery", **called), "om recovery")
    again("tried again from the start", "superseded", second, "om 1", "om 2", version=1, previous=None)
    story.variant("a stopped enrolment's key for another State", "key-in-use", "state.enrol", "ly", enrolling("ly", "om 1"), *REGISTRARS)
    story.variant("a nomination by a stopped State", "unknown-state", "contact.nominate", "om.technical", nomination("om.technical", "ot 1"), "om 1", "ot 1")
    story.variant("a recovery of a stopped State", "unknown-state", "state.recover", "om", recovery("om 2"), *REGISTRARS, "om 2")
    story.add("state.enrol", "om", second, *REGISTRARS, "om 1", "om 2")
    due = story.now - 60 + WINDOW
    objects("an objection to the first try", "not-pending", 8, "sd 1", "sd 2")
    story.add("state.object", "om", entry_of(story, 10), "sd 1", "sd 2")
    again("a third try beside the second", "already-enrolled", enrolling("om", "om 3", call_back={"at": time(story.now), "source": "x"}), "om 3")
    named = nomination("om.technical", *EIGHT)
    story.variant("a nomination a second before the second try's window has passed", "unknown-state", "contact.nominate", "om.technical", named, "om 1", "om 2", *EIGHT, logged=due - 1, issued=due - 1)
    story.wait_until(due)
    story.variant("the first try's recovery key rotates", "signature-not-called-for", "state.rotate", "om", authority("om 3"), "om recovery", "om 3")
    story.variant("a nomination by one key of two", "signatures-missing", "contact.nominate", "om.technical", named, "om 1", *EIGHT)
    nominated = story.add("contact.nominate", "om.technical", named, "om 1", "om 2", *EIGHT)
    ninth = {"entry": story.hash_of(nominated), "device": device("ot 9", 9)}
    story.variant("a ninth device", "too-many-devices", "contact.device-add", "om.technical", ninth, "om 1", "om 2", "ot 9")


def suspensions(story: Story) -> None:
    """13 to 18: jo is suspended, reinstated, suspended until a moment."""

    def bad(name: str, expect: str, body: Case, *by: str, state: str = "jo") -> None:
        story.variant(name, expect, "state.suspend", state, body, *(by or REGISTRARS))

    bad("a suspension by one registrar", "signatures-missing", suspension(story, DAY), REGISTRARS[0])
    bad("a suspension by an authority", "signature-not-called-for", suspension(story, DAY), "sd 1", "sd 2")
    bad("a suspension that ends when it is logged", "bad-suspension", suspension(story, 0))
    bad("a suspension of 90 days and a second", "bad-suspension", suspension(story, 90 * DAY + 1))
    bad("a suspension from everything", "bad-form", suspension(story, DAY, "acknowledge"))
    bad("a suspension of nobody", "unknown-state", suspension(story, DAY), state="ly")
    story.add("state.suspend", "jo", suspension(story, DAY, "nominate"), *REGISTRARS)
    bad("a suspension of what is suspended", "state-suspended", suspension(story, DAY, "send"))
    jt = "jo.technical"
    cut = {"contact.nominate": (nomination(jt, "jt 1", "jt 2", "jt 3"), ("jo 1", "jt 3")), "contact.update": (update(jt, reach="reach 2"), ("jt 1",)),
           "contact.device-add": ({"entry": story.hash_of(6), "device": device("jt 3", 3)}, ("jo 1", "jt 3"))}
    for kind, (body, by) in cut.items():
        story.variant(f"{kind} while the State is suspended from nominating", "state-suspended", kind, jt, body, *by)

    def reinstates(name: str, expect: str, of: int, *by: str) -> None:
        story.variant(name, expect, "state.reinstate", "jo", entry_of(story, of), *(by or REGISTRARS))

    reinstates("a reinstatement that names another entry", "superseded", 12)
    reinstates("a reinstatement by one registrar", "signatures-missing", 13, REGISTRARS[1])
    reinstates("a reinstatement by the State itself", "signature-not-called-for", 13, "jo 1")
    story.add("contact.confirm", jt, {"entry": story.newest[jt][1]}, "jt 1")
    story.add("state.reinstate", "jo", entry_of(story, 13), *REGISTRARS)
    reinstates("a reinstatement again", "superseded", 13)
    ends = story.now + 90 * DAY
    story.add("state.suspend", "jo", suspension(story, 90 * DAY, "nominate", "send"), *REGISTRARS)
    moved = {"logged": ends - 1, "issued": ends - 1}
    story.variant("an update a second before the suspension ends", "state-suspended", "contact.update", jt, update(jt, reach="reach 2"), "jt 1", **moved)
    story.wait_until(ends)
    reinstates("a reinstatement of what has ended", "superseded", 16)
    story.add("contact.update", jt, update(jt, reach="reach 2"), "jt 1")


def recoveries(story: Story) -> None:
    """18 to 27: sd lost its keys, or so the registrars say."""

    def bad(name: str, expect: str, body: Case, *by: str, state: str = "sd") -> None:
        story.variant(name, expect, "state.recover", state, body, *by)

    new = recovery("sd new", recovery_key="sd new recovery")
    by = (*REGISTRARS, "sd new", "sd new recovery")
    bad("a recovery by one registrar", "signatures-missing", new, REGISTRARS[0], *by[2:])
    bad("a recovery whose new key did not sign", "signatures-missing", new, *by[:3])
    bad("a recovery by the authority", "signature-not-called-for", new, "sd 1", "sd 2", *by[2:])
    bad("a recovery to an old key", "key-in-use", recovery("sd 1"), *REGISTRARS)
    bad("a recovery with a threshold nobody can meet", "bad-threshold", recovery("sd new", threshold=2), *by[:3])
    bad("a recovery of nobody", "unknown-state", new, *by, state="ly")
    bad("a recovery that overrules what nobody objected", "cannot-overrule", recovery("sd new", overrules=story.hash_of(11)), *by[:3], "eg 1", "ma 1", "jo 1")
    bad("member authorities where nothing is overruled", "signature-not-called-for", new, *by, "eg 1")
    first = story.add("state.recover", "sd", new, *by)

    def objects(name: str, expect: str, of: int, *signers: str, state: str = "sd") -> None:
        story.variant(name, expect, "state.object", state, entry_of(story, of), *signers)

    objects("an objection to a recovery by another State", "signature-not-called-for", first, "eg 1")
    objects("an objection by the key that waits", "signature-not-called-for", first, "sd new")
    objects("an objection by an old key and the recovery key at once", "signature-not-called-for", first, "sd 1", "sd recovery")
    objects("an objection to a recovery that names another entry", "not-pending", 2, "sd 1")
    story.variant("the new authority before the window has passed", "signature-not-called-for", "state.withdraw", "sd", entry_of(story, 2), "sd new")
    story.variant("the key of a recovery that waits for another State", "key-in-use", "state.rotate", "eg", authority("sd new"), "eg 1")
    objection = story.add("state.object", "sd", entry_of(story, first), "sd 1")
    objects("an objection to a recovery that is stopped", "not-pending", first, "sd 2")
    over = recovery("sd new", overrules=story.hash_of(objection))
    members = ("jo 1", "eg 1", "ma 1")
    bad("an overruling by two members", "signatures-missing", over, *by[:3], *members[:2])
    bad("an overruling by two members and one key of two", "signatures-missing", over, *by[:3], *members[:2], "om 1")
    bad("an overruling by two members and an observer", "signature-not-called-for", over, *by[:3], *members[:2], "tn 1")
    bad("an overruling by two members and the State itself", "signature-not-called-for", over, *by[:3], *members[:2], "sd 1", "sd 2")
    bad("an overruling by members and one registrar", "signatures-missing", over, REGISTRARS[0], "sd new", *members)
    bad("an overruling that names the recovery", "cannot-overrule", recovery("sd new", overrules=story.hash_of(first)), *by[:3], *members)
    bad("a stopped recovery's key that does not sign again", "signatures-missing", over, *REGISTRARS, *members)
    story.variant("a stopped recovery's key for another State", "key-in-use", "state.rotate", "eg", authority("sd new"), "eg 1")
    overruling = story.add("state.recover", "sd", over, *by[:3], *members)
    story.add("state.object", "sd", entry_of(story, overruling), "sd 2")
    bad("an overruling of an objection that stopped nothing", "cannot-overrule", recovery("sd new", overrules=story.hash_of(overruling + 1)), *by[:3], *members)
    by_recovery = story.add("state.object", "sd", entry_of(story, overruling), "sd recovery")
    bad("an overruling of the recovery key", "cannot-overrule", recovery("sd new", overrules=story.hash_of(by_recovery)), *by[:3], *members)
    story.variant("a rotation to a stopped recovery's key", "key-in-use", "state.rotate", "sd", authority("sd new", recovery="sd recovery"), "sd recovery")
    bad("an overruling of an objection that is no longer the newest", "cannot-overrule", over, *by[:3], *members)
    story.add("state.recover", "sd", recovery("sd new"), *by[:3])
    rotated = authority("sd 3", recovery="sd recovery")
    turned = story.add("state.rotate", "sd", rotated, "sd 1", "sd 2", "sd 3")
    objects("an objection to a recovery that a rotation stopped", "not-pending", turned - 1, "sd 3")
    over = recovery("sd newer", overrules=story.hash_of(turned))
    last = story.add("state.recover", "sd", over, *REGISTRARS, "sd newer", *members)
    due = story.now - 60 + WINDOW
    for version, index in enumerate((turned - 1, turned), story.newest["sd"][0] - 1):
        story.variant(f"the recovery key continues the chain at entry {index}, before a recovery", "superseded", "state.rotate", "sd",
                      authority("sd 5", recovery="sd recovery"), "sd recovery", "sd 5", version=version, previous=story.hash_of(index))
    story.add("state.rotate", "sd", authority("sd 4", recovery="sd recovery"), "sd 3", "sd 4")
    named = nomination("sd.technical", devices=[fresh(story, "st 1", 1)])
    story.variant("the new authority a second too early", "signature-not-called-for", "contact.nominate", "sd.technical", named, "sd newer", "st 1", logged=due - 1, issued=due - 1)
    story.wait_until(due)
    objects("an objection when a recovery is in force", "not-pending", last, "sd recovery")
    story.variant("a key that was lost", "signature-not-called-for", "contact.nominate", "sd.technical", named, "sd 4", "st 1")
    story.variant("a lost key that returns", "key-was-revoked", "state.rotate", "sd", authority("sd 4"), "sd newer")
    story.add("contact.nominate", "sd.technical", named, "sd newer", "st 1")


def other_objections(story: Story) -> None:
    """28 to 33: jo's contacts object; one recovery takes another's place; the State leaves."""
    first = story.add("state.recover", "jo", recovery("jo new"), *REGISTRARS, "jo new")

    def objects(name: str, expect: str, of: int, *by: str) -> None:
        story.variant(name, expect, "state.object", "jo", entry_of(story, of), *by)

    objects("an objection by one contact", "signatures-missing", first, "jt 1")
    objects("an objection by two devices of one contact", "signatures-missing", first, "jt 1", "jt 2")
    objects("an objection by a device without the right to change", "signature-not-called-for", first, "jt 1", "jd 2")
    objects("an objection by contacts of two States", "signature-not-called-for", first, "jt 1", "st 1")
    stopped = story.add("state.object", "jo", entry_of(story, first), "jt 1", "jd 1")
    story.variant("an overruling of two contacts", "cannot-overrule", "state.recover", "jo", recovery("jo new", overrules=story.hash_of(stopped)), *REGISTRARS, "jo new", "eg 1", "ma 1", "sd newer")
    second = story.add("state.recover", "jo", recovery("jo new", "jo new 2"), *REGISTRARS, "jo new", "jo new 2")
    story.add("state.recover", "jo", recovery("jo new 2", recovery_key="jo new recovery"), *REGISTRARS, "jo new 2", "jo new recovery")
    objects("an objection to a recovery whose place was taken", "not-pending", second, "jo 1")
    story.variant("a withdrawal by the key of a recovery that waits", "signature-not-called-for", "state.withdraw", "jo", entry_of(story, 1), "jo new 2")
    story.add("state.suspend", "jo", suspension(story, 30 * DAY), *REGISTRARS)
    story.add("state.withdraw", "jo", entry_of(story, 1), "jo 1")
    story.variant("an objection to the recovery of a State that left", "unknown-state", "state.object", "jo", entry_of(story, second + 1), "jt 1", "jd 1")
    story.variant("a reinstatement of a State that left", "unknown-state", "state.reinstate", "jo", entry_of(story, 16), *REGISTRARS)
    story.variant("a State that returns with an old key", "key-was-revoked", "state.enrol", "jo", enrolling("jo", "jo 1"), *REGISTRARS)


def members_policy(story: Story) -> None:
    """34 to 37: a policy waits; the members make another; jo returns and waits."""
    story.add("registry.policy", ORIGIN, settings(hub="hub 2", objection_seconds=WINDOW), *REGISTRARS, "hub 2")
    body = settings(UN, hub="hub 3", objection_seconds=WINDOW, counts_public=True)

    def bad(name: str, expect: str, *by: str, policy: Case = body) -> None:
        story.variant(name, expect, "registry.policy", ORIGIN, policy, *by)

    new = (UN, "hub 3")
    bad("a policy by two of four members", "signatures-missing", "eg 1", "ma 1", *new)
    bad("a policy by two members and one key of two", "signatures-missing", "eg 1", "ma 1", "om 1", *new)
    bad("a policy by two members and an observer", "signature-not-called-for", "eg 1", "ma 1", "tn 1", *new)
    bad("a policy by members and a registrar", "signature-not-called-for", "eg 1", "ma 1", "sd newer", REGISTRARS[0], *new)
    bad("a policy by members whose new hub did not sign", "signatures-missing", "eg 1", "ma 1", "sd newer", UN)
    bad("a member's authority as hub", "key-in-use", "eg 1", "ma 1", "sd newer", policy=settings(hub="om 1", objection_seconds=WINDOW))
    made = story.add("registry.policy", ORIGIN, body, "eg 1", "ma 1", "om 1", "om 2", *new)
    story.variant("an attest by the hub that the members dropped", "signature-not-called-for", "registry.attest", ORIGIN, story.attest(made), "hub")
    story.variant("an attest by the hub of the policy that was dropped", "signature-not-called-for", "registry.attest", ORIGIN, story.attest(made), "hub 2")
    bad("a hub of the policy that was dropped", "key-in-use", *REGISTRARS, policy=settings(UN, hub="hub 2", objection_seconds=WINDOW))
    story.add("registry.attest", ORIGIN, story.attest(made + 1), "hub 3")
    story.add("state.enrol", "jo", enrolling("jo", "jo 3", "jo new"), *REGISTRARS, "jo 3", "jo new")


def tell_windows() -> Story:
    story = Story()
    for chapter in (begin, objected_enrolment, suspensions, recoveries, other_objections, members_policy):
        chapter(story)
    return story


# --- the directory it makes ---


def logged_at(story: Story, index: int) -> str:
    return str(json.loads(story.leaves[index])["logged_at"])


def state_row(*labels: str, recovery_key: str | None = None, threshold: int = 1, **changes: Any) -> Case:
    return {
        "kind": "member", "status": "enrolled", "threshold": threshold,
        "authority": [kid(label) for label in sorted(labels, key=lambda label: jwk(label)["x"])],
        "recovery": kid(recovery_key) if recovery_key else None, "recovering": None, "suspensions": [], **changes,
    }


def device_rows(contact: str, since: int, *labels: str, until: int | None = None) -> dict[str, Case]:
    ended = "withdrawn" if until is not None else None
    signing = {kid(label): key_row("device", contact, since, until, ended) for label in labels}
    return signing | {sealing_kid(label): key_row("sealing", contact, since, until, ended) for label in labels}


def never(role: str, holder: str) -> Case:
    return {**key_row(role, holder, 0), "since": None}


def windows_keys() -> dict[str, Case]:
    left, lost = (33, "withdrawn"), (27, "lost")
    rows = {
        kid(REGISTRARS[0]): key_row("registrar", REGISTRARS[0], 0),
        kid(REGISTRARS[1]): key_row("registrar", REGISTRARS[1], 0),
        kid(UN): key_row("registrar", UN, 35),
        kid("hub"): key_row("hub", ORIGIN, 0, 35, "replaced"),
        kid("hub 2"): never("hub", ORIGIN),
        kid("hub 3"): key_row("hub", ORIGIN, 35),
        kid("log"): key_row("log", ORIGIN, 0),
        kid("jo 1"): key_row("authority", "jo", 1, *left),
        kid("jo new"): key_row("authority", "jo", 37),
        kid("jo new 2"): never("authority", "jo"),
        kid("jo new recovery"): never("recovery", "jo"),
        kid("jo 3"): key_row("authority", "jo", 37),
        kid("sd 1"): key_row("authority", "sd", 2, 24, "replaced"),
        kid("sd 2"): key_row("authority", "sd", 2, 24, "replaced"),
        kid("sd 3"): key_row("authority", "sd", 24, 26, "replaced"),
        kid("sd 4"): key_row("authority", "sd", 26, *lost),
        kid("sd recovery"): key_row("recovery", "sd", 2, *lost),
        kid("sd new"): never("authority", "sd"),
        kid("sd new recovery"): never("recovery", "sd"),
        kid("sd newer"): key_row("authority", "sd", 27),
        kid("eg 1"): key_row("authority", "eg", 3),
        kid("ma 1"): key_row("authority", "ma", 4),
        kid("tn 1"): key_row("authority", "tn", 5),
        kid("om 1"): key_row("authority", "om", 8),
        kid("om 2"): key_row("authority", "om", 10),
        kid("om recovery"): key_row("recovery", "om", 8, 10, "replaced"),
    }
    rows |= device_rows("jo.technical", 6, "jt 1", "jt 2", until=33) | device_rows("jo.diplomatic", 7, "jd 1", "jd 2", until=33)
    rows |= device_rows("om.technical", 12, *EIGHT) | device_rows("sd.technical", 27, "st 1")
    return dict(sorted(rows.items()))


def windows_summary(story: Story) -> Case:
    spans = [(13, ["nominate"], 15), (16, ["nominate", "send"], 17), (32, ["send"], 33)]
    suspended = [{"since": since, "scope": scope, "until": until} for since, scope, until in spans]
    jt = contact_row(2, 14, withdrawn=True, confirmed_at=logged_at(story, 14))
    devices = [device_row(label, number) for number, label in enumerate(EIGHT, 1)]
    st = device_row("st 1", 1)
    st["rotate_by"] = "2027-04-29T08:22:00Z"
    return {
        **common(story),
        "attested_at": logged_at(story, 37),
        "version": 3,
        "quorum": 0,
        "seats": {},
        "statuses": ["exercise", "test"],
        "waiting": [],
        "hub_keys": [kid("hub 3")],
        "log_keys": [vkey(ORIGIN, "log")],
        "states": {
            "eg": state_row("eg 1"),
            "jo": state_row("jo 3", "jo new", status="pending", suspensions=suspended),
            "ma": state_row("ma 1"),
            "om": state_row("om 1", "om 2", threshold=2),
            "sd": state_row("sd newer"),
            "tn": state_row("tn 1", kind="observer"),
        },
        "contacts": {
            "jo.diplomatic": contact_row(1, 7, role="diplomatic", withdrawn=True, confirmed_at=logged_at(story, 7)),
            "jo.technical": jt,
            "om.technical": contact_row(1, 12, *devices, confirmed_at=logged_at(story, 12)),
            "sd.technical": contact_row(1, 27, st, confirmed_at=logged_at(story, 27)),
        },
        "controllers": {},
        "keys": windows_keys(),
    }


def windows_moments(story: Story) -> list[Case]:
    """What holds on the way: of a State, only what is named."""

    def of(after: int, state: str, **members: Any) -> Case:
        return {"after": after, "states": {state: members}}

    return [
        of(2, "jo", status="pending"),
        of(6, "jo", status="pending"),
        of(7, "jo", status="enrolled"),
        of(9, "om", status="pending"),
        of(10, "om", status="stopped"),
        of(11, "om", status="pending"),
        of(12, "om", status="pending"),
        of(13, "om", status="enrolled"),
        of(19, "sd", recovering=story.hash_of(18)),
        of(20, "sd", recovering=None),
        of(22, "sd", recovering=story.hash_of(20)),
        of(23, "sd", recovering=None),
        of(24, "sd", recovering=story.hash_of(23)),
        of(25, "sd", recovering=None, authority=[kid("sd 3")], recovery=kid("sd recovery")),
        of(27, "sd", recovering=story.hash_of(25), authority=[kid("sd 4")], recovery=kid("sd recovery")),
        of(28, "sd", recovering=None, authority=[kid("sd newer")], recovery=None),
        of(29, "jo", recovering=story.hash_of(28)),
        of(30, "jo", recovering=None),
        of(32, "jo", recovering=story.hash_of(31)),
        of(34, "jo", status="withdrawn", recovering=None),
        {"after": 35, "waiting": [34], "hub_keys": [kid("hub")], "attested_at": logged_at(story, 34)},
        {"after": 36, "waiting": [], "hub_keys": [kid("hub 3")]},
    ]


def common(story: Story) -> Case:
    """What follows from the leaves alone."""
    return {"size": len(story.leaves), "root": b64u(mth(story.tree())), "fingerprint": fingerprint_of(story), "logged_at": logged_at(story, len(story.leaves) - 1)}
