"""R11: every answer of `add-checkpoint`, and that nothing but the one winner moves the record."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import timedelta

import pytest

from poc.core.checkpoint import verify_checkpoint
from poc.core.cosignature import time_of
from poc.core.merkle import EMPTY_ROOT
from poc.core.note import SignatureLine, compose_note, encode_base64, open_note
from poc.core.submission import Submission, format_submission
from poc.limits import NOTE_SIGNATURES_MAX, SUBMISSION_BYTES_MAX
from poc.serving.connection import Deadlines
from tests.witness_world import (
    AT,
    COSIGNER,
    LOG,
    NEXT_LOG,
    ORIGIN,
    OTHER_LOG,
    TREE,
    Tree,
    WitnessWorld,
    conflict,
    text_of,
)


@pytest.fixture
async def world(tmp_path):
    async with WitnessWorld(tmp_path).running() as running:
        yield running


def cosigned(note, line):
    """The time of a witness's answer, after verifying it as a client does: put beneath the checkpoint."""
    whole = note + line
    verify_checkpoint(whole, ORIGIN, [LOG.verifier(), COSIGNER.verifier()])
    found = open_note(whole, [COSIGNER.verifier()]).verified
    assert [entry.name for entry in found] == [COSIGNER.name]
    return time_of(found[0].signature)


async def test_a_first_checkpoint_and_what_continues_it_are_cosigned(world):
    for old, size in ((0, 5), (5, 6), (6, 256), (256, 257)):
        status, kind, line = await world.post(TREE.body(old, size))
        assert (status, kind) == (200, "text/plain; charset=utf-8")
        assert cosigned(TREE.note(size), line) == int(AT.timestamp())
        assert await world.size() == size


async def test_the_same_checkpoint_is_cosigned_again_as_of_now(world):
    await world.post(TREE.body(0, 7))
    world.now += timedelta(hours=8)
    status, _, line = await world.post(TREE.body(7, 7))
    assert status == 200
    assert cosigned(TREE.note(7), line) == int(world.now.timestamp())


async def test_the_empty_tree_is_cosigned_and_then_continued(world):
    assert (await world.post(TREE.body(0, 0)))[0] == 200
    assert (await world.post(TREE.body(0, 3)))[0] == 200


async def test_extension_lines_are_cosigned_as_they_are(world):
    _, _, line = await world.post(TREE.body(0, 4, more=("an extension",)))
    cosigned(TREE.note(4, more=("an extension",)), line)


async def test_a_second_key_of_the_log_counts_and_signatures_of_others_are_passed_over(world):
    await world.store.add_log(ORIGIN, [NEXT_LOG.verifier()])
    assert (await world.post(TREE.body(0, 4, NEXT_LOG)))[0] == 200
    assert (await world.post(TREE.body(4, 5, OTHER_LOG, LOG)))[0] == 200
    assert await world.size() == 5


def signed(size, signature):
    line = SignatureLine(ORIGIN, LOG.verifier().key_id, signature)
    return b"old 8\n\n" + compose_note(text_of(TREE.note(size)), [LOG.sign(text_of(TREE.note(size))), line])


FORK = Tree(fork=3)
TEN = TREE.body(8, 10)
PROOF = b"".join(encode_base64(node).encode() + b"\n" for node in TREE.proof(8, 10))
NOTE = TREE.note(10)
EMPTY_WRONG = TREE.note(0).decode().replace(encode_base64(EMPTY_ROOT), encode_base64(bytes(32))).encode()
# The witness has cosigned size 8.
REFUSED = {
    "nothing": (400, b""),
    "no old size": (400, PROOF + b"\n" + NOTE),
    "no empty line": (400, b"old 8\n" + PROOF),
    "no checkpoint": (400, b"old 8\n\n"),
    "only a checkpoint": (400, NOTE),
    "old size with a leading zero": (400, TEN.replace(b"old 8", b"old 08")),
    "old size with a sign": (400, TEN.replace(b"old 8", b"old +8")),
    "old size with two spaces": (400, TEN.replace(b"old 8", b"old  8")),
    "old size in other digits": (400, TEN.replace(b"old 8", "old ٨".encode())),
    "old size beyond what a log can have": (400, TEN.replace(b"old 8", b"old 9007199254740992")),
    "old size of 5,000 digits": (400, TEN.replace(b"old 8", b"old " + b"9" * 5000)),
    "lines that end in CR LF": (400, TEN.replace(b"\n", b"\r\n")),
    "a hash too short": (400, b"old 8\n" + encode_base64(bytes(31)).encode() + b"\n\n" + NOTE),
    "a hash that is no base64": (400, b"old 8\n!!!!\n\n" + NOTE),
    "a second spelling of a hash": (400, TEN.replace(b"=\n", b"\n", 1)),
    "64 lines of proof": (400, b"old 8\n" + (encode_base64(bytes(32)) + "\n").encode() * 64 + b"\n" + NOTE),
    "old size above the checkpoint's": (400, b"old 11\n\n" + NOTE),
    "a size with a leading zero": (400, TEN.replace(b"\n10\n", b"\n010\n")),
    "an empty tree of another root": (422, b"old 0\n\n" + EMPTY_WRONG),
    "too many signatures": (400, b"old 8\n\n" + NOTE + NOTE.split(b"\n\n")[1] * NOTE_SIGNATURES_MAX),
    "a control character": (400, TEN.replace(ORIGIN.encode(), b"example.org/\x07")),
    "an unknown origin": (404, TEN.replace(ORIGIN.encode() + b"\n10", b"example.org/other\n10")),
    "no signature by the log": (403, TREE.body(8, 10, OTHER_LOG)),
    "a text changed after signing": (403, TEN.replace(b"\n10\n", b"\n11\n")),
    "a bad signature beside a good one": (403, signed(10, bytes(64))),
    "the witness's own cosignature only": (
        403,
        b"old 8\n\n" + compose_note(text_of(NOTE), [COSIGNER.cosign(text_of(NOTE), 1)]),
    ),
    "an older size": (409, TREE.body(5, 10)),
    "the size zero again": (409, TREE.body(0, 10)),
    "a newer size": (409, TREE.body(9, 10)),
    "another root at the same size": (422, FORK.body(8, 8)),
    "a fork": (422, FORK.body(8, 10)),
    "no proof": (422, b"old 8\n\n" + NOTE),
    "a proof for another size": (422, b"old 8\n" + PROOF + b"\n" + TREE.note(12)),
    "a proof between equal sizes": (422, b"old 8\n" + PROOF + b"\n" + TREE.note(8)),
    "a proof with one hash more": (
        422,
        format_submission(Submission(8, (*TREE.proof(8, 10), bytes(32)), NOTE)),
    ),
    "63 lines of no proof": (422, format_submission(Submission(8, (bytes(32),) * 63, NOTE))),
    "a body beyond the bound": (413, b"x" * (SUBMISSION_BYTES_MAX + 1)),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_may_not_be_cosigned_is_refused_and_changes_nothing(world, case):
    assert (await world.post(TREE.body(0, 8)))[0] == 200
    status, body = REFUSED[case]
    found, kind, answer = await world.post(body)
    assert found == status, answer
    if status == 409:
        assert (found, kind, answer) == conflict(8)
    else:
        assert kind == "application/problem+json"
        assert json.loads(answer)["next"]
    assert (await world.post(TEN))[0] == 200


async def test_a_proof_from_the_empty_tree_must_be_empty(world):
    assert (await world.post(b"old 0\n" + PROOF + b"\n" + NOTE))[0] == 422
    assert await world.size() == 0


async def test_another_method_or_path_is_refused(world):
    async with world.session.get(world.origin + "/add-checkpoint") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert (await world.post(TEN, "/add-entry"))[0] == 404


async def test_the_prefix_stands_before_the_route(tmp_path):
    async with WitnessWorld(tmp_path, "/witness/1").running() as world:
        assert (await world.post(TREE.body(0, 1)))[0] == 200
        async with world.session.post(world.origin + "/add-checkpoint", data=TREE.body(1, 2)) as answer:
            assert answer.status == 404


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path):
    world = WitnessWorld(tmp_path)
    world.deadlines = Deadlines(header=0.5, body=0.5, idle=1)
    async with world.running():
        host, port = world.origin.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nold")
        async with asyncio.timeout(5):
            assert b" 408 " in await reader.readline()
        writer.close()


async def test_a_clock_that_went_back_never_makes_a_cosignature_of_an_earlier_time(world):
    await world.post(TREE.body(0, 5))
    world.now = AT - timedelta(minutes=5)
    _, _, line = await world.post(TREE.body(5, 6))
    assert cosigned(TREE.note(6), line) == int(AT.timestamp())
    world.now -= timedelta(seconds=1)
    status, _, answer = await world.post(TREE.body(6, 7))
    assert (status, json.loads(answer)["code"]) == (503, "witness-clock")
    assert await world.size() == 6


async def test_of_50_posts_at_once_one_wins_for_each_size_and_no_size_has_two_roots(world):
    """The race of C2SP tlog-witness: what was checked against size N is not recorded after N + K was."""
    size, won = 0, {}
    for _ in range(4):
        steps = [*range(size + 1, size + 26)]
        posts = [(tree, n) for tree in (TREE, Tree(fork=size)) for n in steps]
        random.Random(size).shuffle(posts)
        answers = await asyncio.gather(*(world.post(tree.body(size, n)) for tree, n in posts))
        good = [post for post, answer in zip(posts, answers, strict=True) if answer[0] == 200]
        assert len(good) == 1
        assert {answer[0] for answer in answers} == {200, 409}
        tree, size = good[0]
        assert {answer[2] for answer in answers if answer[0] == 409} == {b"%d\n" % size}
        won[size] = tree.root(size)
        if tree is not TREE:
            break
    log = await world.store.log(ORIGIN)
    assert (log.tree.size, log.tree.root) == (size, won[size])


async def test_50_refreshes_of_one_checkpoint_at_once_are_all_cosigned(world):
    await world.post(TREE.body(0, 9))
    answers = await asyncio.gather(*(world.post(TREE.body(9, 9)) for _ in range(50)))
    assert {answer[0] for answer in answers} == {200}


async def test_hostile_bodies_get_an_answer_below_500(world, rounds):
    await world.post(TREE.body(0, 8))
    chance = random.Random(20261124)
    for _ in range(rounds(300, long=5000, of="hostile bodies")):
        body = bytearray(TEN)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(body))
            body[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        if body == TEN:
            continue
        status, _, answer = await world.post(bytes(body))
        assert status in {400, 403, 404, 409, 422}, answer
    assert await world.size() == 8
