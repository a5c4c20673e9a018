"""``poc registry policy``: new settings, complete, from those before with changes. Not a noun of its own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.cli.context import Context
from poc.cli.filed import KEYS_HELP, add_out, finish, json_file, new_kids, public_keys
from poc.cli.output import Result
from poc.client.policy import changed, policy_signers, settings_before
from poc.core.bodies import jwk_form
from poc.core.form import form_value, state_of
from poc.core.strictjson import canonical
from poc.errors import RefusedError

if TYPE_CHECKING:
    from poc.client.sdk import Desk

_PLAIN = ("quorum", "nomination", "entries_access")
_SECONDS = ("freshness_seconds", "objection_seconds", "confirm_seconds")


def add(policy: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    policy.add_argument("--quorum", choices=("none", "majority", "two-thirds"), help="of witnesses")
    policy.add_argument("--freshness-seconds", type=int, metavar="N", help="until a head is stale")
    policy.add_argument(
        "--objection-seconds", type=int, metavar="N", help="until an enrolment or a recovery takes effect"
    )
    policy.add_argument("--confirm-seconds", type=int, metavar="N", help="between confirmations")
    policy.add_argument(
        "--status",
        action="append",
        choices=("exercise", "test", "actual"),
        help="a status messages may have, repeatable: the complete list",
    )
    policy.add_argument("--nomination", choices=("authority", "authority+registrar"), help="who nominates")
    policy.add_argument("--entries-access", choices=("parties", "public"), help="who may read entries")
    policy.add_argument("--counts-public", choices=("yes", "no"), help="whether the public page shows counts")
    policy.add_argument("--policy-threshold", type=int, metavar="N", help="registrars that sign a policy")
    policy.add_argument(
        "--suspend-threshold", type=int, metavar="N", help="registrars that sign a suspension"
    )
    for name, what in (
        ("registrar", "a registrar"),
        ("hub-key", "a key of the hub, for receipts and attests"),
    ):
        policy.add_argument(
            f"--add-{name}",
            metavar="KEYS",
            action="append",
            default=[],
            type=Path,
            help=f"{what}, repeatable: {KEYS_HELP}",
        )
    policy.add_argument(
        "--names", metavar="FILE", type=Path, help="names of the registrars added, as for init"
    )
    policy.add_argument("--add-log-key", metavar="VKEY", action="append", default=[], help="a key of the log")
    for name, which in (("registrar", "ID"), ("hub-key", "KID"), ("log-key", "VKEY")):
        policy.add_argument(
            f"--drop-{name}",
            metavar=which,
            action="append",
            default=[],
            help=f"take one out, repeatable, by its {which}",
        )
    policy.add_argument(
        "--by-members",
        action="store_true",
        help="the authorities of more than half of the members sign, and no registrar",
    )
    add_out(policy)
    policy.set_defaults(run=_policy)


async def _policy(context: Context, arguments: argparse.Namespace) -> Result:
    new = {
        "registrars": _registrars(arguments),
        "hub_keys": [form_value(jwk_form(key)) for path in arguments.add_hub_key for key in _signing(path)],
        "log_keys": arguments.add_log_key,
    }
    gone = {
        "registrars": arguments.drop_registrar,
        "hub_keys": arguments.drop_hub_key,
        "log_keys": arguments.drop_log_key,
    }
    async with context.desk(unlock=True) as desk:
        await desk.refresh()
        before = settings_before(desk.directory, by_members=arguments.by_members)
        body = changed(before, _values(arguments, form_value(before)), add=new, drop=gone)
        signed = desk.compose("registry.policy", desk.directory.origin, body)
        means = [*_differences(form_value(before), body), *_when(desk, by_members=arguments.by_members)]
        kids = [
            kid
            for kid in policy_signers(desk.directory, by_members=arguments.by_members)
            if desk.keys.has(kid)
        ]
        if not kids:
            who = "an authority of a member" if arguments.by_members else "a registrar; see --by-members"
            raise RefusedError("no-key", f"this home has no key of {who}")
        kids += new_kids(desk, signed)
        return await finish(desk, signed, out=arguments.out, means="\n".join(means), kids=kids)


def _values(arguments: argparse.Namespace, before: dict[str, Any]) -> dict[str, Any]:
    """The members named on the command line."""
    named = {name: getattr(arguments, name) for name in (*_PLAIN, *_SECONDS)}
    named["statuses"] = None if arguments.status is None else sorted(set(arguments.status))
    named["counts_public"] = None if arguments.counts_public is None else arguments.counts_public == "yes"
    thresholds = {"policy": arguments.policy_threshold, "suspend": arguments.suspend_threshold}
    given = {name: value for name, value in thresholds.items() if value is not None}
    named["thresholds"] = {**before["thresholds"], **given} if given else None
    return {name: value for name, value in named.items() if value is not None}


def _registrars(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    names: Any = {} if arguments.names is None else json_file(arguments.names)
    if not isinstance(names, dict):
        raise RefusedError("bad-form", "--names: an object of names by registrar is expected")
    rows = []
    for path in arguments.add_registrar:
        keys = public_keys(path)
        if len(keys.signing) != 1 or "." not in keys.party:
            raise RefusedError("bad-key-file", f"{path}: exactly one key of a registrar is expected")
        rows.append(
            {
                "id": keys.party,
                "body": state_of(keys.party),
                "names": names.get(keys.party, {"en": keys.party}),
                "key": form_value(jwk_form(keys.signing[0])),
            }
        )
    return rows


def _signing(path: Path) -> Any:
    keys = public_keys(path).signing
    if not keys:
        raise RefusedError("bad-key-file", f"{path}: a signing key is expected")
    return keys


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """One line for each change: what it was, what it will be."""
    told = []
    for name, value in after.items():
        old = before[name]
        if old == value:
            continue
        if name in {"registrars", "hub_keys", "log_keys"}:
            told += [f"{name}: {_named(row)} is taken out" for row in old if row not in value]
            told += [f"{name}: {_named(row)} is new" for row in value if row not in old]
        else:
            told.append(f"{name}: {_shown(old)} becomes {_shown(value)}")
    return told


def _named(row: Any) -> str:
    return str(
        row["id"] if isinstance(row, dict) and "id" in row else row["x"] if isinstance(row, dict) else row
    )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value).decode()


def _when(desk: Desk, *, by_members: bool) -> list[str]:
    waits = len(desk.directory.pending_settings)
    if by_members:
        overtaken = [f"{waits} policy(ies) of the registrars that wait fall away."] if waits else []
        return [
            *overtaken,
            "It is in force from its own entry on: no registrar, no witness and no operator can hold it up.",
        ]
    built = ["It builds on a policy that still waits for an attest."] if waits else []
    return [*built, "It is in force once an attest covers it, cosigned by the quorum in force until then."]
