"""What the core costs as a registry and its messages grow: `make bench`, or `--json` for programs.

With `--load` instead: what slow sockets and a flood of exercise traffic cost others, on a real hub (3 min).

Every figure stands beside the smallest size of the same run, because machines differ and are shared. What
the hub does over HTTP is measured by `make test-long` (tests/web/test_speed.py), against itself as well.
Not a test: nothing here can fail for being slow.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from poc.client.lookup import Query, lookup
from poc.core.admission import read_envelope
from poc.core.card import CardPart, read_opening
from poc.core.draft import Addressee
from poc.core.iso3166 import ALPHA_2
from poc.core.rules import apply, apply_all
from poc.core.snapshot import verify_snapshot
from poc.core.statement import make_entry, read_entry
from tests import message_world as world
from tests import snapshot_world as snapshots
from tests.load_world import exercise_flood, slow_sockets
from tests.registry import ORIGIN, Registry, openings, sealing_key, signed

SIZES = (100, 1000, 4000)
SLOTS = (1, 50, 200)
ENTRIES_PER_CONTACT = 4  # a nomination and what follows it: confirmations, rotations


def grown(size: int) -> Registry:
    """A registry whose log has at least ``size`` entries, a quarter of them contacts."""
    registry = Registry()
    contacts = [f"{state}.desk-{n}" for n in range(1, 9) for state in sorted(ALPHA_2)]
    contacts = contacts[: size // ENTRIES_PER_CONTACT]
    registry.enrol(*sorted({contact.split(".", 1)[0] for contact in contacts}))
    registry.nominate(*contacts)
    while len(registry.entries) < size:
        contact = contacts[len(registry.entries) % len(contacts)]
        body = {"entry": registry.newest(contact).leaf_hash}
        registry.submit("contact.confirm", contact, body, f"{contact.split('.', 1)[0]} authority")
    return registry


def milliseconds(act: Callable[[], Any], times: int) -> float:
    """The median of so many runs, in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def registry_row(size: int) -> dict[str, Any]:
    """Opening a home, admitting one more statement, and a look-up by text, at one size of the log."""
    registry = grown(size)
    leaves, directory = registry.leaves, registry.directory
    contact = next(iter(directory.contacts))
    body = {"entry": registry.newest(contact).leaf_hash}
    payload = registry.payload("contact.confirm", contact, body)
    entry = make_entry(signed(payload, f"{contact.split('.', 1)[0]} authority"), registry.tick())
    cards = {name: _card(directory, name) for name in directory.contacts}
    found = Query(text="desk", reachable_now=True)
    return {
        "entries": len(leaves),
        "contacts": len(cards),
        "open_ms": milliseconds(lambda: apply_all(None, [read_entry(leaf) for leaf in leaves]), 3),
        "admit_ms": milliseconds(lambda: apply(directory, entry), 15),
        "lookup_ms": milliseconds(lambda: lookup(directory, cards, found, registry.now), 5),
    }


def _card(directory: Any, contact: str) -> dict[str, CardPart]:
    named = directory.contact(contact).card
    return {
        opening.part: read_opening(opening, contact, ORIGIN, named.part(opening.part).commitment)
        for opening in openings(contact)
    }


def snapshot_row(size: int) -> dict[str, Any]:
    """A snapshot's size, and verifying it from its bytes, at one size of the log."""
    leaves, note, fingerprint = snapshots.long_registry(size)
    data = snapshots.snapshot(note=note, leaves=leaves, openings=[], sealing_keys=[])
    return {
        "entries": len(leaves),
        "bytes": len(data),
        "verify_ms": milliseconds(lambda: verify_snapshot(data, fingerprint), 3),
    }


def message_row(slots: int) -> dict[str, Any]:
    """Sealing one message to so many devices, and the hub's check of it."""
    to = [Addressee(f"sd.desk-{n}", sealing_key(f"sd.desk-{n}").public, "action", 1) for n in range(slots)]
    sealed = world.seal(addressees=to)
    return {
        "slots": slots,
        "bytes": len(sealed.envelope_bytes),
        "seal_ms": milliseconds(lambda: world.seal(addressees=to), 5),
        "check_ms": milliseconds(lambda: read_envelope(sealed.envelope_bytes), 5),
    }


def ratios(rows: Sequence[dict[str, Any]], per: str) -> list[dict[str, Any]]:
    """The rows with each time per ``per`` beside that of the smallest size."""
    first = rows[0]
    return [
        {
            **row,
            **{
                f"{name[:-3]}_per_{per}_ratio": round((row[name] / row[per]) / (first[name] / first[per]), 2)
                for name in row
                if name.endswith("_ms")
            },
        }
        for row in rows
    ]


def main() -> int:
    """Measure and print. Returns 0."""
    parser = argparse.ArgumentParser(description="What the core costs as registry and messages grow.")
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument("--quick", action="store_true", help="small sizes only, to see that it runs")
    parser.add_argument("--load", action="store_true", help="measure a hub under hostile load instead")
    given = parser.parse_args()
    sizes, slots = ((40, 80), (1, 3)) if given.quick else (SIZES, SLOTS)
    if given.load:
        return _print(_load(), as_json=given.json)
    value = {
        "registry": ratios([_told(registry_row, size) for size in sizes], "entries"),
        "snapshot": ratios([_told(snapshot_row, size) for size in sizes], "entries"),
        "messages": ratios([_told(message_row, count) for count in slots], "slots"),
    }
    return _print(value, as_json=given.json)


def _load() -> dict[str, list[dict[str, Any]]]:
    """One row for each kind of hostile load."""
    loads: dict[str, Callable[[Path], dict[str, Any]]] = {
        "slow sockets": slow_sockets,
        "flood": exercise_flood,
    }
    rows = {}
    for name, measure in loads.items():
        sys.stderr.write(f"measuring {name}\n")
        with tempfile.TemporaryDirectory() as home:
            rows[name] = [measure(Path(home))]
    return rows


def _print(value: dict[str, list[dict[str, Any]]], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(value))
        return 0
    for name, rows in value.items():
        print(f"\n{name}")
        for row in rows:
            print("  " + "  ".join(f"{key} {_shown(number)}" for key, number in row.items()))
    return 0


def _told(measure: Callable[[int], dict[str, Any]], size: int) -> dict[str, Any]:
    sys.stderr.write(f"measuring {measure.__name__.removesuffix('_row')} at {size}\n")
    return measure(size)


def _shown(number: Any) -> str:
    if isinstance(number, dict):
        return ", ".join(f"{name}: {_shown(part)}" for name, part in number.items())
    return f"{number:,}" if number == int(number) else f"{number:,.2f}"


if __name__ == "__main__":
    sys.exit(main())
