"""Bugs to plant: for each security claim a small change that breaks it, and the test that must go red.

``find`` stands exactly once in ``path``. The claims R… are those of the requirements the project is built to.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """One planted bug."""

    claim: str
    path: str
    find: str
    replace: str
    test: str
    words: str = ""


BUGS = (
    Bug(
        "R1 a statement counts without a valid signature",
        "poc/core/rules.py",
        "jws.verify(signed.payload, signature, jws.STATEMENT, _key(kid, known, brought))",
        "_key(kid, known, brought)",
        "tests/core/test_rules.py",
    ),
    Bug(
        "R1 a key that was ended signs on",
        "poc/core/rules.py",
        "if key is None or (record is not None and record.until is not None):",
        "if key is None:",
        "tests/core",
        "rules or parties",
    ),
    Bug(
        "R1 a used key is given to another holder",
        "poc/core/working.py",
        "        if found is not None:\n            code =",
        "        if found is not None and found.holder == record.holder:\n            code =",
        "tests/core",
        "rules or parties",
    ),
    Bug(
        "R6 a statement that was overtaken still counts",
        "poc/core/rules.py",
        "if (statement.version, statement.previous) != (version + 1, previous):",
        "if statement.version != version + 1:",
        "tests/core",
        "rules or parties or registry_vectors",
    ),
    Bug(
        "R7 two registrars of one body pass for two bodies",
        "poc/core/signers.py",
        'Group("registrars", {r.key.kid: r.body for r in named}, count, by_body=True)',
        'Group("registrars", {r.key.kid: r.id for r in named}, count, by_body=True)',
        "tests/core",
        "signers or two_persons or rules",
    ),
    Bug(
        "R9 leaves and nodes are hashed alike",
        "poc/core/merkle.py",
        'b"\\x01"',
        'b"\\x00"',
        "tests/core",
        "merkle or log_vectors",
    ),
    Bug(
        "R12 keys of low order are taken",
        "poc/core/keys.py",
        'return "point of low order" if y in _LOW_ORDER_Y else ""',
        'return ""',
        "tests/core/test_keys.py",
    ),
    Bug(
        "R5 the slot is not looked for in the signed message",
        "poc/core/opening.py",
        "if (recipient.contact, recipient.kid, recipient.slot) == own:",
        "if (recipient.contact, recipient.kid) == own[:2]:",
        "tests/core/test_opening.py",
    ),
    Bug(
        "R4 R5 header and message may differ",
        "poc/core/opening.py",
        "if getattr(header, name) != getattr(message, name):",
        'if name == "id" and getattr(header, name) != getattr(message, name):',
        "tests/core/test_opening.py",
    ),
    Bug(
        "R5 the commitment to the content key is not checked",
        "poc/core/sealed.py",
        "if not hmac.compare_digest(expected.encode(), commit.encode()):",
        "if len(expected) != len(commit):",
        "tests/core",
        "opening or envelope or sealed",
    ),
    Bug(
        "R5 other bytes than zeros pass as padding",
        "poc/core/sealed.py",
        "if padded.count(0, length) != len(padded) - length:",
        "if padded.count(0, length) > len(padded):",
        "tests/core/test_sealed.py",
    ),
    Bug(
        "R16 a revoked device's key counts for ever",
        "poc/core/judge.py",
        "    if record.is_good_at(size):\n        return",
        "    if record.since < size:\n        return",
        "tests/core/test_judge.py",
    ),
    Bug(
        "R13 an evidence file's receipt may be over another envelope",
        "poc/core/proof.py",
        "check_of_envelope(receipt, case.header, case.digest)",
        "check_of_envelope(receipt, case.header, receipt.envelope_sha256)",
        "tests/core/test_proof.py",
    ),
    Bug(
        "R21 a member may stand twice",
        "poc/core/strictjson.py",
        "        raise _NotStrictError(_TWICE)",
        "        pass",
        "tests/core/test_strictjson.py",
    ),
    Bug(
        "R29 the body of a request is not covered",
        "poc/core/httpsig.py",
        "if not hmac.compare_digest(content_digest(body), signature.content_digest):",
        "if not signature.content_digest:",
        "tests/core/test_httpsig.py",
    ),
    Bug(
        "R29 a request counts twice",
        "poc/web/auth.py",
        "if not await hub.store.use_nonce(caller.kid, signature.nonce, until):",
        "if await hub.store.use_nonce(caller.kid, signature.nonce, until) is None:",
        "tests/web/test_hub.py",
        "counts_once",
    ),
    Bug(
        "R19 the role of a caller is not looked at",
        "poc/web/app.py",
        "if caller.role not in route.roles:",
        "if not route.roles:",
        "tests/web/test_hub.py",
        "wrong_role",
    ),
    Bug(
        "R8 the head moves without comparing",
        "poc/store/sqlite_log.py",
        'if swapped.rowcount != 1:\n        raise RefusedError("head-moved")',
        'if swapped.rowcount > 1:\n        raise RefusedError("head-moved")',
        "tests/store/test_contract.py",
    ),
    Bug(
        "R15 one id is answered for two bodies",
        "poc/store/sqlite_relay.py",
        "if row[0] == body_sha256:",
        "if row:",
        "tests/store/test_contract.py",
    ),
    Bug(
        "R2 a desk takes entries that are not of the signed root",
        "poc/client/log.py",
        "if tree.root() != stated.root:",
        "if stated.size < tree.size:",
        "tests/client",
        "sync or contradictions or hostile",
    ),
    Bug(
        "R13 a desk takes a receipt for other slots than it sent",
        "poc/client/evidence.py",
        "if sent != named:",
        "if len(sent) < len(named):",
        "tests/client/test_hostile_hub.py",
        "receipt",
    ),
    Bug(
        "R27 what comes from outside steers the terminal",
        "poc/core/text.py",
        "return unicodedata.category(character) not in _NEVER and is_assigned(character)",
        "return True",
        "tests/core/test_text.py",
    ),
    Bug(
        "R18 a part of a card is shown to those it is not for",
        "poc/hub/openings.py",
        'if caller.role == "registrar" or place.visibility == "parties":',
        'if caller.role == "registrar" or place.visibility:',
        "tests/hub/test_openings.py",
    ),
    Bug(
        "R18 a part that was replaced stays on the hub's disk",
        "poc/hub/openings.py",
        "stale = self._kept - self._current().keys()",
        "stale = self._kept - self._kept",
        "tests/hub/test_openings.py",
    ),
    Bug(
        "R16 what a frozen contact signs is accepted",
        "poc/core/judge.py",
        "if contact is not None and any(freeze.holds_at(size) for freeze in contact.freezes):",
        "if contact is None and size < 0:",
        "tests/core",
        "judge or brakes",
    ),
    Bug(
        "R16 a frozen contact keeps its entry as if it were not",
        "poc/core/rules.py",
        'if statement.type != "contact.freeze" or statement.subject not in frozen.by:',
        'if statement.type == "contact.tested":',
        "tests/core/test_rules_brakes.py",
    ),
    Bug(
        "R16 the key of a withdrawn State signs on",
        "poc/core/rules_state.py",
        'work.end(kid, anchor.index, "withdrawn")',
        "pass",
        "tests/core/test_rules_brakes.py",
    ),
    Bug(
        "R17 an authority is rotated without its threshold",
        "poc/core/required.py",
        "return one_of([signers.authority(directory, state), new], by_recovery)",
        "return one_of([signers.authority(directory, state), new], by_recovery, [new])",
        "tests/core/test_rules_brakes.py",
    ),
    Bug(
        "R17 a stolen authority takes over the recovery key",
        "poc/core/required.py",
        "if kept != directory.state(state).recovery_kid:",
        "if kept is None:",
        "tests/core/test_rules_brakes.py",
    ),
    Bug(
        "R17 a stolen authority's rotation keeps the recovery key's out",
        "poc/core/rules.py",
        "    if _overrules(work, statement, kids):\n        return\n",
        "",
        "tests/core/test_rules_brakes.py",
    ),
)
