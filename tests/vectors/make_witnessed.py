"""One more log of a registry: witnesses, their seats, a quorum, and windows on the time they attest.

``make_registry`` writes `log-witnessed.json` with its own files. Nothing of `poc` is used; what comes out is
stated. Like there, a case is one line and there are many.
"""

# ruff: noqa: E501 (a case is one line)

from __future__ import annotations

from datetime import datetime

from tests.vectors.make_log import DASH, b64, key, key_id, line, sha, vkey
from tests.vectors.make_registry import (
    ORIGIN,
    REGISTRARS,
    START,
    UN,
    Case,
    Story,
    appointment,
    authority,
    contact_row,
    device_row,
    key_row,
    kid,
    nomination,
    settings,
    time,
)
from tests.vectors.make_windows import (
    DAY,
    common,
    device_rows,
    enrolling,
    entry_of,
    fresh,
    logged_at,
    recovery,
    state_row,
    suspension,
)

JO, SD, EG, MA, TN = (f"{state}.witness" for state in ("jo", "sd", "eg", "ma", "tn"))
# fmt: off
ACTUAL: Case = {"statuses": ["actual", "exercise", "test"], "quorum": "two-thirds", "objection_seconds": DAY}
STATES = ("jo", "sd", "eg", "ma", "tn")


def cosignature(name: str, label: str, text: str, at: int, *, signed: int | None = None) -> str:
    """A witness's line; the time is in seconds of POSIX."""
    message = f"cosignature/v1\ntime {at if signed is None else signed}\n{text}"
    blob = key_id(name, label, 4) + at.to_bytes(8, "big") + key(label).sign(message.encode())
    return f"{DASH} {name} {b64(blob)}\n"


def posix(seconds: int) -> int:
    return int(START.timestamp()) + seconds


class Witnessed(Story):
    """A story whose attests may be cosigned: witness, key's label and second after the start."""

    def cosigned(self, size: int, *by: tuple[str, str, int], more: str = "") -> Case:
        body = self.attest(size)
        text = body["checkpoint"].split("\n\n")[0] + "\n"
        lines = "".join(cosignature(name, label, text, posix(at)) for name, label, at in by)
        return {**body, "checkpoint": body["checkpoint"] + lines + more}

    def text(self, size: int) -> str:
        return self.checkpoint(size).split("\n\n")[0] + "\n"

    def bad(self, name: str, expect: str, body: Case, by: str = "hub") -> None:
        """An attest that must be refused."""
        self.variant(name, expect, "registry.attest", ORIGIN, body, by)


def appoints(name: str, label: str, note_name: str | None = None, kind: int = 4) -> Case:
    return {"vkey": vkey(note_name or name, label, kind), "url": f"https://witness.example/{name}"}


def begin(story: Witnessed) -> None:
    """0 to 5: a genesis that admits actual messages once there are witnesses; five members."""
    story.add("registry.genesis", ORIGIN, settings(**ACTUAL), *REGISTRARS, "hub")
    story.variant("an enrolment without recovery key where actual is named", "recovery-key-missing", "state.enrol", "jo", enrolling("jo", "jo 1"), *REGISTRARS, "jo 1")
    for state in STATES:
        keys = (f"{state} 1", f"{state} recovery")
        story.add("state.enrol", state, enrolling(state, keys[0], recovery_key=keys[1]), *REGISTRARS, *keys)


def seats(story: Witnessed) -> None:
    """6 to 10: three appointments, one dismissal, and the attest that brings two seats."""

    def bad(name: str, expect: str, subject: str, body: Case, *by: str) -> None:
        story.variant(name, expect, "witness.appoint", subject, body, *by)

    bad("a witness of a State that waits", "unknown-state", JO, appoints(JO, "jo w1"), "jo 1", "jo w1")
    story.wait_until(60 * 5 + DAY)
    bad("a witness of a State nobody enrolled", "unknown-state", "ly.witness", appoints("ly.witness", "ly w1"), "ly 1", "ly w1")
    bad("a witness whose key did not sign", "signatures-missing", JO, appoints(JO, "jo w1"), "jo 1")
    bad("a witness that its State did not appoint", "signatures-missing", JO, appoints(JO, "jo w1"), "jo w1")
    bad("a witness appointed by registrars", "signature-not-called-for", JO, appoints(JO, "jo w1"), *REGISTRARS, "jo w1")
    bad("a witness with a key that signs logs", "unknown-algorithm", JO, appoints(JO, "jo w1", kind=1), "jo 1", "jo w1")
    bad("a witness with a key that is none", "bad-vkey", JO, {**appoints(JO, "jo w1"), "vkey": "jo.witness+00000000+BA=="}, "jo 1", "jo w1")
    bad("a witness whose key goes by the log's name", "bad-vkey", JO, appoints(JO, "jo w1", ORIGIN), "jo 1", "jo w1")
    bad("a witness with the hub's key", "key-in-use", JO, appoints(JO, "hub"), "jo 1")
    bad("a witness with its State's authority's key", "key-in-use", JO, appoints(JO, "jo 1"), "jo 1")
    bad("a witness with a registrar's id", "unknown-state", REGISTRARS[0], appoints(REGISTRARS[0], "jo w1"), "jo 1", "jo w1")
    bad("a witness with an id of no party", "bad-party-id", "jo.Witness", appoints(JO, "jo w1"), "jo 1", "jo w1")
    story.variant("a dismissal of no witness", "unknown-witness", "witness.dismiss", JO, entry_of(story, 1), "jo 1")
    story.add("witness.appoint", JO, appoints(JO, "jo w1"), "jo 1", "jo w1")
    bad("a second witness of one State", "witness-exists", "jo.witness-2", appoints("jo.witness-2", "jo w2"), "jo 1", "jo w2")
    bad("a witness whose key goes by another's name", "bad-vkey", SD, appoints(SD, "sd w1", JO), "sd 1", "sd w1")
    bad("a witness with another's key", "key-in-use", SD, appoints(SD, "jo w1"), "sd 1")
    first: Case = {"version": 1, "previous": None}
    story.variant("a contact with a witness's id", "bad-party-id", "contact.nominate", JO, nomination(JO, "jt 1"), "jo 1", "jt 1", **first)
    story.variant("a controller with a witness's id", "bad-party-id", "controller.appoint", JO, appointment("c 1"), *REGISTRARS, "c 1", **first)
    story.variant("a registrar with a witness's id", "bad-party-id", "registry.policy", ORIGIN, settings(JO, **ACTUAL), *REGISTRARS, JO)
    story.add("witness.appoint", SD, appoints(SD, "sd w1", "witness.example/sd"), "sd 1", "sd w1")
    story.add("witness.appoint", TN, appoints(TN, "tn w1"), "tn 1", "tn w1")
    story.variant("a dismissal that names another appointment", "superseded", "witness.dismiss", TN, entry_of(story, 7), "tn 1")
    story.variant("a dismissal by registrars", "signature-not-called-for", "witness.dismiss", TN, entry_of(story, 8), *REGISTRARS)
    story.variant("a dismissal by another witness", "signature-not-called-for", "witness.dismiss", TN, entry_of(story, 8), "sd w1")
    story.add("witness.dismiss", TN, entry_of(story, 8), "tn w1")
    story.variant("a dismissal again", "unknown-witness", "witness.dismiss", TN, entry_of(story, 8), "tn 1")
    bad("a witness that returns with its key", "key-in-use", TN, appoints(TN, "tn w1"), "tn 1")
    text = story.text(10)
    wrong = cosignature(JO, "jo w1", text, posix(0), signed=posix(1))
    story.add("registry.attest", ORIGIN, story.cosigned(10, more=wrong), "hub")
    bad("a witness that returns with its ended key", "key-was-revoked", TN, appoints(TN, "tn w1"), "tn 1")
    story.variant("a dismissed witness dismisses itself", "unknown-witness", "witness.dismiss", TN, entry_of(story, 8), "tn w1")


def quorum(story: Witnessed) -> None:
    """11 to 15: om waits for attested time, not for that of the entries."""
    keys = ("om 1", "om recovery")
    story.add("state.enrol", "om", enrolling("om", keys[0], recovery_key=keys[1]), *REGISTRARS, *keys)
    due = story.now - 60 + DAY
    story.wait_until(due + DAY)
    named = nomination("om.technical", devices=[fresh(story, "ot 1", 1)])
    story.variant("a nomination a day after the window, that nobody attested", "unknown-state", "contact.nominate", "om.technical", named, "om 1", "ot 1")
    at, size = story.now, 12
    jo, sd = (JO, "jo w1", at), ("witness.example/sd", "sd w1", at)
    text = story.text(size)
    bad = story.bad
    bad("an attest that no witness cosigned", "quorum-missing", story.cosigned(size))
    bad("an attest that one witness of two cosigned", "quorum-missing", story.cosigned(size, jo))
    bad("one witness twice", "quorum-missing", story.cosigned(size, jo, (JO, "jo w1", at - 1)))
    bad("one witness and one nobody knows", "quorum-missing", story.cosigned(size, jo, ("ly.witness", "ly w1", at)))
    bad("one witness and one that was dismissed", "quorum-missing", story.cosigned(size, jo, (TN, "tn w1", at)))
    bad("one witness and another under its party's id", "quorum-missing", story.cosigned(size, jo, (SD, "sd w1", at)))
    bad("one witness and another that signed as a log does", "quorum-missing", story.cosigned(size, jo, more=line("witness.example/sd", "sd w1", text)))
    forged = cosignature("witness.example/sd", "sd w1", text, posix(at), signed=posix(at + 1))
    bad("a bad line of a witness", "bad-signature", story.cosigned(size, jo, more=forged))
    bad("a bad second line of a witness", "bad-signature", story.cosigned(size, jo, sd, more=cosignature(JO, "jo w1", text, posix(at), signed=posix(at + 1))))
    other = cosignature("witness.example/sd", "sd w1", story.text(size - 1), posix(at))
    bad("a cosignature of another checkpoint", "bad-signature", story.cosigned(size, jo, more=other))
    late = cosignature("witness.example/sd", "sd w1", text, 2**63)
    bad("a cosignature beyond the largest time", "bad-signature", story.cosigned(size, jo, more=late))
    both = story.cosigned(size, jo, sd)["checkpoint"]
    unsigned = both.replace(line(ORIGIN, "log", text), "")
    bad("a checkpoint that only witnesses signed", "unsigned-note", {**story.attest(size), "checkpoint": unsigned})
    bad("a quorum on another root", "bad-proof", fork(story, size, jo, sd))
    bad("a quorum, signed by a registrar", "signature-not-called-for", story.cosigned(size, jo, sd), REGISTRARS[0])
    bad("a time that is not above the one before", "attest-not-newer", story.cosigned(size, jo, (*sd[:2], at_of(story, 10))))
    story.add("registry.attest", ORIGIN, story.cosigned(size, (*jo[:2], at + 600), (*sd[:2], due - 1)), "hub")
    story.variant("a nomination a second before the attested end of the window", "unknown-state", "contact.nominate", "om.technical", named, "om 1", "ot 1")
    bad("one that would not be newer by its second time", "attest-not-newer", story.cosigned(12, (*jo[:2], at), (*sd[:2], due - 1)))
    bad("a time 5 minutes and a second before the last entry covered", "attest-ahead", story.cosigned(13, jo, (*sd[:2], at - 301)))
    story.add("registry.attest", ORIGIN, story.cosigned(12, jo, (*sd[:2], due)), "hub")
    story.variant("an objection at the attested end of the window", "not-pending", "state.object", "om", entry_of(story, 11), "jo 1")
    story.add("contact.nominate", "om.technical", named, "om 1", "ot 1")
    story.add("registry.attest", ORIGIN, story.cosigned(13, jo, (*sd[:2], at_of(story, 12) - 300)), "hub")


def at_of(story: Story, index: int) -> int:
    """The second after the start at which an entry was logged."""
    return int((datetime.fromisoformat(logged_at(story, index)) - START).total_seconds())


def fork(story: Witnessed, size: int, *by: tuple[str, str, int]) -> Case:
    """A checkpoint of another root that the log and witnesses signed."""
    text = story.checkpoint(size, root=sha(b"fork"))
    body = text.split("\n\n")[0] + "\n"
    lines = "".join(cosignature(name, label, body, posix(at)) for name, label, at in by)
    return {**story.attest(size), "checkpoint": text + lines}


def changes(story: Witnessed) -> None:
    """16 to 26: another key, dismissals, the last one that waits, and one that takes its own place."""
    sd = ("witness.example/sd", "sd w1")
    story.variant("another key that did not sign", "signatures-missing", "witness.appoint", JO, appoints(JO, "jo w2"), "jo 1")
    story.add("witness.appoint", JO, appoints(JO, "jo w2"), "jo 1", "jo w2")
    size = len(story.leaves)
    story.bad("a witness's new key before its attest", "quorum-missing", story.cosigned(size, (JO, "jo w2", story.now), (*sd, story.now)))
    story.bad("a quorum without the proof", "bad-proof", {**story.cosigned(size - 1, (JO, "jo w1", story.now), (*sd, story.now)), "consistency": []})
    story.add("registry.attest", ORIGIN, story.cosigned(size, (JO, "jo w1", story.now), (*sd, story.now)), "hub")
    story.bad("a witness's old key after it", "quorum-missing", story.cosigned(size + 1, (JO, "jo w1", story.now), (*sd, story.now)))
    story.variant("a dismissal as of an earlier appointment", "superseded", "witness.dismiss", JO, entry_of(story, 6), "jo 1")
    story.variant("a dismissal by a replaced key", "signature-not-called-for", "witness.dismiss", JO, entry_of(story, size - 1), "jo w1")
    story.add("witness.dismiss", SD, entry_of(story, 7), "sd 1")
    story.add("witness.dismiss", JO, entry_of(story, size - 1), "jo w2")
    size = len(story.leaves)
    story.bad("one of two that are dismissed", "quorum-missing", story.cosigned(size, (JO, "jo w2", story.now)))
    story.add("registry.attest", ORIGIN, story.cosigned(size, (JO, "jo w2", story.now), (*sd, story.now)), "hub")
    story.bad("a witness that has left", "quorum-missing", story.cosigned(size + 1, (*sd, story.now)))
    story.add("witness.appoint", EG, appoints(EG, "eg w1"), "eg 1", "eg w1")
    size = len(story.leaves)
    story.bad("the one to come in place of the one to go", "quorum-missing", story.cosigned(size, (EG, "eg w1", story.now)))
    story.add("registry.attest", ORIGIN, story.cosigned(size, (JO, "jo w2", story.now)), "hub")
    story.bad("the one that waited to go", "quorum-missing", story.cosigned(size + 1, (JO, "jo w2", story.now)))
    story.add("witness.dismiss", EG, entry_of(story, size - 1), "eg 1")
    size = len(story.leaves)
    story.add("registry.attest", ORIGIN, story.cosigned(size, (EG, "eg w1", story.now)), "hub")
    story.variant("a dismissed witness appointed with its key", "key-in-use", "witness.appoint", EG, appoints(EG, "eg w1"), "eg 1")
    story.variant("another witness of a State whose witness waits to go", "witness-exists", "witness.appoint", "eg.witness-2", appoints("eg.witness-2", "eg w2"), "eg 1", "eg w2")
    story.add("witness.appoint", EG, appoints(EG, "eg w2"), "eg 1", "eg w2")
    size = len(story.leaves)
    story.add("registry.attest", ORIGIN, story.cosigned(size, (EG, "eg w1", story.now)), "hub")


def four(story: Witnessed) -> None:
    """27 to 32: four seats; a suspension ends on attested time."""
    story.variant("a witness that left returns with its key", "key-was-revoked", "witness.appoint", SD, appoints(SD, "sd w1"), "sd 1")
    for name, label in ((MA, "ma w1"), (TN, "tn w2"), (SD, "sd w2")):
        story.add("witness.appoint", name, appoints(name, label), f"{name[:2]} 1", label)
    size = len(story.leaves)
    story.add("registry.attest", ORIGIN, story.cosigned(size, (EG, "eg w2", story.now)), "hub")
    story.bad("two of four", "quorum-missing", story.cosigned(size, (EG, "eg w2", story.now), (MA, "ma w1", story.now)))
    story.add("state.suspend", "om", suspension(story, DAY, "nominate"), *REGISTRARS)
    until = story.now - 60 + DAY
    story.wait_until(until + 2 * DAY)
    again = suspension(story, DAY, "send")
    story.variant("a suspension beside one whose time has come, that nobody attested", "state-suspended", "state.suspend", "om", again, *REGISTRARS)
    ot = nomination("om.technical", devices=[fresh(story, "ot 2", 2)])
    story.variant("a nomination after the suspension, that nobody attested", "state-suspended", "contact.nominate", "om.technical", ot, "om 1", "ot 2")
    by = ((EG, "eg w2"), (MA, "ma w1"), (TN, "tn w2"))
    size = len(story.leaves)
    story.add("registry.attest", ORIGIN, story.cosigned(size, *((*pair, until) for pair in by)), "hub")
    story.variant("a reinstatement of what attested time has ended", "superseded", "state.reinstate", "om", entry_of(story, size - 1), *REGISTRARS)


def recover(story: Witnessed) -> None:
    """33 to 36: a recovery waits for attested time; an objection after the entries' time still stops one."""
    new = recovery("jo new", recovery_key="jo new recovery")
    signers = (*REGISTRARS, "jo new", "jo new recovery")
    story.variant("a recovery without recovery key where actual is named", "recovery-key-missing", "state.recover", "jo", recovery("jo new"), *signers[:3])
    story.variant("a rotation that takes the recovery key away", "recovery-key-missing", "state.rotate", "jo", authority("jo 2"), "jo recovery", "jo 2")
    story.add("state.recover", "jo", new, *signers)
    index = len(story.leaves) - 1
    due = story.now - 60 + DAY
    story.wait_until(due + 60)
    story.variant("the new keys before attested time has come", "signature-not-called-for", "state.withdraw", "jo", entry_of(story, 1), "jo new")
    story.add("state.object", "jo", entry_of(story, index), "jo recovery")
    story.add("state.recover", "jo", new, *signers)
    index = len(story.leaves) - 1
    due = story.now - 60 + DAY
    story.wait_until(due)
    by = ((EG, "eg w2"), (SD, "sd w2"), (TN, "tn w2"))
    story.add("registry.attest", ORIGIN, story.cosigned(index + 1, *((*pair, due) for pair in by)), "hub")
    story.variant("an objection when attested time has come", "not-pending", "state.object", "jo", entry_of(story, index), "jo recovery")
    story.variant("a lost key", "signature-not-called-for", "state.withdraw", "jo", entry_of(story, 1), "jo 1")


def leave(story: Witnessed) -> None:
    """37 to 43: a State leaves with its witness; a policy waits for a quorum, the members' does not."""
    story.add("state.withdraw", "ma", entry_of(story, 4), "ma 1")
    story.variant("a witness of a State that left", "unknown-state", "witness.appoint", MA, appoints(MA, "ma w2"), "ma 1", "ma w2")
    story.variant("a dismissal of the witness of a State that left", "unknown-witness", "witness.dismiss", MA, entry_of(story, 27), "ma w1")
    eg, sd, tn = (EG, "eg w2"), (SD, "sd w2"), (TN, "tn w2")
    size, at = len(story.leaves), story.now
    story.bad("two of four, one of them to go", "quorum-missing", story.cosigned(size, (*eg, at), (*tn, at)))
    story.add("registry.attest", ORIGIN, story.cosigned(size, (*eg, at), (*sd, at), (*tn, at)), "hub")
    policy = settings(UN, hub="hub 2", **{**ACTUAL, "quorum": "majority"})
    story.add("registry.policy", ORIGIN, policy, *REGISTRARS, UN, "hub 2")
    size, at = len(story.leaves), story.now
    story.bad("as many as the policy that waits asks for", "quorum-missing", story.cosigned(size, (*eg, at), (*tn, at)))
    story.add("registry.attest", ORIGIN, story.cosigned(size, (*eg, at), (*sd, at), (*tn, at)), "hub")
    size, at = len(story.leaves), story.now
    story.bad("the hub of the policy before", "signature-not-called-for", story.cosigned(size, (*eg, at), (*tn, at)))
    story.bad("one of three", "quorum-missing", story.cosigned(size, (*eg, at)), "hub 2")
    story.add("registry.attest", ORIGIN, story.cosigned(size, (*eg, at), (*tn, at)), "hub 2")
    members = ("jo new", "sd 1", "eg 1")
    by = settings(UN, hub="hub 2", **{**ACTUAL, "quorum": "none"})
    story.variant("a policy by two of five members", "signatures-missing", "registry.policy", ORIGIN, by, *members[:2])
    story.variant("a policy by a member that left", "signature-not-called-for", "registry.policy", ORIGIN, by, *members[:2], "ma 1")
    story.variant("a policy by a member's lost key", "signature-not-called-for", "registry.policy", ORIGIN, by, "jo 1", *members[1:])
    story.variant("actual without a window by the members", "window-too-short", "registry.policy", ORIGIN, {**by, "objection_seconds": 0}, *members)
    story.add("registry.policy", ORIGIN, by, *members)
    size = len(story.leaves)
    story.add("registry.attest", ORIGIN, story.attest(size), "hub 2")


def tell_witnessed() -> Witnessed:
    story = Witnessed()
    for chapter in (begin, seats, quorum, changes, four, recover, leave):
        chapter(story)
    return story


# --- the directories it makes ---


def later(story: Story, index: int, seconds: int) -> str:
    """So long after an entry was logged."""
    return time(at_of(story, index) + seconds)


def moment(after: int, attested_at: str, quorum: int, waiting: list[int], *, actual: bool = False, **seats: str) -> Case:
    """What holds in the log of so many entries; a seat is named by its State."""
    statuses = ["actual", "exercise", "test"] if actual else ["exercise", "test"]
    return {
        "after": after, "attested_at": attested_at, "quorum": quorum, "waiting": waiting, "statuses": statuses,
        "seats": {f"{state}.witness": kid(label) for state, label in seats.items()},
    }


def witnessed_moments(story: Story) -> list[Case]:
    def at(index: int) -> str:
        return logged_at(story, index)

    two: Case = {"jo": "jo w1", "sd": "sd w1"}
    all_four: Case = {"eg": "eg w2", "ma": "ma w1", "sd": "sd w2", "tn": "tn w2"}
    three: Case = {"eg": "eg w2", "sd": "sd w2", "tn": "tn w2"}
    return [
        moment(10, at(9), 0, [6, 7, 8, 9]),
        moment(11, at(10), 2, [], **two),
        moment(13, later(story, 11, DAY - 1), 2, [], **two),
        moment(14, later(story, 11, DAY), 2, [], **two),
        moment(17, later(story, 12, -300), 2, [16], **two),
        moment(18, at(17), 2, [], jo="jo w2", sd="sd w1"),
        moment(20, at(17), 2, [18, 19], jo="jo w2", sd="sd w1"),
        moment(21, at(20), 1, [19], jo="jo w2"),
        moment(23, at(22), 1, [], eg="eg w1"),
        moment(25, at(24), 1, [23], eg="eg w1"),
        moment(27, at(26), 1, [], eg="eg w2"),
        moment(31, at(30), 3, [], actual=True, **all_four),
        moment(33, later(story, 31, DAY), 3, [], actual=True, **all_four),
        moment(36, later(story, 31, DAY), 3, [], actual=True, **all_four),
        moment(37, later(story, 35, DAY), 3, [], actual=True, **all_four),
        moment(38, later(story, 35, DAY), 3, [37], actual=True, **all_four),
        moment(39, at(38), 3, [], **three),
        moment(40, at(38), 3, [39], **three),
        moment(41, at(40), 2, [], **three),
        moment(43, at(41), 0, [], **three),
        {"after": 12, "states": {"om": {"status": "pending"}}},
        {"after": 13, "states": {"om": {"status": "pending"}}},
        {"after": 14, "states": {"om": {"status": "enrolled"}}},
        {"after": 32, "states": {"om": {"suspensions": [{"since": 31, "scope": ["nominate"], "until": None}]}}},
        {"after": 34, "states": {"jo": {"recovering": story.hash_of(33), "authority": [kid("jo 1")]}}},
        {"after": 35, "states": {"jo": {"recovering": None}}},
        {"after": 36, "states": {"jo": {"recovering": story.hash_of(35), "authority": [kid("jo 1")]}}},
        {"after": 37, "states": {"jo": {"recovering": None, "authority": [kid("jo new")]}}},
    ]


def witnessed_keys() -> dict[str, Case]:
    lost, left = (36, "lost"), (37, "withdrawn")
    rows = {
        kid(REGISTRARS[0]): key_row("registrar", REGISTRARS[0], 0),
        kid(REGISTRARS[1]): key_row("registrar", REGISTRARS[1], 0),
        kid(UN): key_row("registrar", UN, 40),
        kid("hub"): key_row("hub", ORIGIN, 0, 40, "replaced"),
        kid("hub 2"): key_row("hub", ORIGIN, 40),
        kid("log"): key_row("log", ORIGIN, 0),
        kid("jo new"): key_row("authority", "jo", 36),
        kid("jo new recovery"): key_row("recovery", "jo", 36),
        kid("jo w1"): key_row("witness", JO, 6, 17, "replaced"),
        kid("jo w2"): key_row("witness", JO, 16, 22, "withdrawn"),
        kid("sd w1"): key_row("witness", SD, 7, 20, "withdrawn"),
        kid("sd w2"): key_row("witness", SD, 29),
        kid("tn w1"): key_row("witness", TN, 8, 10, "withdrawn"),
        kid("tn w2"): key_row("witness", TN, 28),
        kid("eg w1"): key_row("witness", EG, 21, 26, "replaced"),
        kid("eg w2"): key_row("witness", EG, 25),
        kid("ma w1"): key_row("witness", MA, 27, 38, "withdrawn"),
    }
    ends = {"jo": lost, "ma": left}
    for state, since in (*zip(STATES, range(1, 6), strict=True), ("om", 11)):
        rows[kid(f"{state} 1")] = key_row("authority", state, since, *ends.get(state, ()))
        rows[kid(f"{state} recovery")] = key_row("recovery", state, since, *ends.get(state, ()))
    return dict(sorted((rows | device_rows("om.technical", 14, "ot 1")).items()))


def witnessed_summary(story: Story) -> Case:
    ot = {**device_row("ot 1", 1), "rotate_by": later(story, 11, 62 * DAY)}
    suspended = [{"since": 31, "scope": ["nominate"], "until": 32}]
    seats = {EG: kid("eg w2"), SD: kid("sd w2"), TN: kid("tn w2")}
    return {
        **common(story),
        "attested_at": logged_at(story, 43),
        "version": 3,
        "quorum": 0,
        "seats": seats,
        "statuses": ["exercise", "test"],
        "waiting": [],
        "hub_keys": [kid("hub 2")],
        "log_keys": [vkey(ORIGIN, "log")],
        "states": {
            "eg": state_row("eg 1", recovery_key="eg recovery"),
            "jo": state_row("jo new", recovery_key="jo new recovery"),
            "ma": state_row(status="withdrawn"),
            "om": state_row("om 1", recovery_key="om recovery", suspensions=suspended),
            "sd": state_row("sd 1", recovery_key="sd recovery"),
            "tn": state_row("tn 1", recovery_key="tn recovery"),
        },
        "contacts": {"om.technical": contact_row(1, 14, ot, confirmed_at=logged_at(story, 14))},
        "controllers": {},
        "keys": witnessed_keys(),
    }
