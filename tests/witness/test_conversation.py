"""R11: one conversation of a log with a witness, request by request, with the answers the witness must give.

The order of requests is that of a test other witnesses are held to; the log is our own.
"""

from __future__ import annotations

from poc.core.note import encode_base64
from tests.witness_world import COSIGNER, ORIGIN, OTHER_LOG, TREE, Tree, WitnessWorld

UNKNOWN = TREE.note(3).replace(ORIGIN.encode(), b"example.org/unknown")


def request(old, proof, note):
    lines = [f"old {old}", *map(encode_base64, proof)]
    return "\n".join(lines).encode() + b"\n\n" + note


def flipped(note):
    """The note with another last signature byte, still base64 of the same length."""
    body, _, line = note.rpartition(b" ")
    return body + b" " + line[:20] + (b"A" if line[20:21] != b"A" else b"B") + line[21:]


TO_3 = TREE.proof(1, 3)
TO_5 = TREE.proof(3, 5)
STEPS = [
    ("the first checkpoint", request(0, (), TREE.note(1)), 200, 1),
    ("a signature that does not verify", request(1, TO_3, flipped(TREE.note(3))), 403, 1),
    ("nobody's signature", request(1, TO_3, TREE.note(3, OTHER_LOG)), 403, 1),
    ("an origin that is not known", request(1, TO_3, UNKNOWN), 404, 1),
    ("no proof", request(1, (), TREE.note(3)), 422, 1),
    ("a proof with a hash changed", request(1, (TO_3[0], bytes(32)), TREE.note(3)), 422, 1),
    ("the good proof", request(1, TO_3, TREE.note(3)), 200, 3),
    ("a proof from before", request(1, TREE.proof(1, 5), TREE.note(5)), 409, 3),
    ("a proof from there", request(3, TO_5, TREE.note(5)), 200, 5),
    ("from the start again", request(0, (), TREE.note(5)), 409, 5),
    ("the same again", request(5, (), TREE.note(5)), 200, 5),
    ("the same again with a proof", request(5, TO_5, TREE.note(5)), 422, 5),
    ("another root of that size", request(5, (), Tree(fork=2).note(5)), 422, 5),
    ("an older one", request(5, (), TREE.note(3)), 400, 5),
    ("64 lines of proof", request(5, (bytes(32),) * 64, TREE.note(7)), 400, 5),
    ("63 lines of proof that is none", request(5, (bytes(32),) * 63, TREE.note(7)), 422, 5),
    ("nothing", b"", 400, 5),
    ("and on", request(5, TREE.proof(5, 7), TREE.note(7)), 200, 7),
]


async def test_each_request_of_a_conversation_is_answered_and_only_good_ones_move_the_record(tmp_path):
    async with WitnessWorld(tmp_path).running() as world:
        for what, body, status, size in STEPS:
            found, kind, answer = await world.post(body)
            assert (found, await world.size()) == (status, size), what
            if status == 200:
                assert answer.startswith(f"— {COSIGNER.name} ".encode()), what
            if status == 409:
                assert (kind, answer) == ("text/x.tlog.size", b"%d\n" % size), what
