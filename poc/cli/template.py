"""``poc template``: list, show, add and export the forms that messages are written with.

A template is a file: it travels by any way, and whoever has the same file reads the form in its own language.
Filling one in is ``poc message send --template``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from poc.cli.context import Context, check_absent, read_given, write_file
from poc.cli.output import Result, Table
from poc.core.form import form_bytes, form_value
from poc.core.template import TemplateField, TemplateFile
from poc.limits import TEMPLATE_BYTES_MAX

_NAME: Final = "the template, such as notification"
_EPILOG: Final = (
    "Every field is optional. None of these is an official form of any organisation. In Arabic: "
    "كل الحقول اختيارية، وليس أيّ منها نموذجا رسميا لأيّ منظمة."
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser(
        "list", help="list the templates of this desk; no network, no passphrase", epilog=_EPILOG
    )
    listing.set_defaults(run=_list)
    show = verbs.add_parser(
        "show", help="print the blank form in all its languages; no network, no passphrase", epilog=_EPILOG
    )
    show.add_argument("template", metavar="T", help=_NAME)
    show.set_defaults(run=_show)
    adding = verbs.add_parser("add", help="keep a template's file, so that forms made with it can be read")
    adding.add_argument("file", metavar="FILE", type=Path, help="the file; - reads standard input")
    adding.set_defaults(run=_add)
    export = verbs.add_parser("export", help="write a template's file, to hand to other desks")
    export.add_argument("template", metavar="T", help=_NAME)
    export.add_argument(
        "--out", metavar="FILE", type=Path, help="the new file to write (default: ID.VERSION.template.json)"
    )
    export.set_defaults(run=_export)


def _list(context: Context, _arguments: argparse.Namespace) -> Result:
    from poc.client.templates import templates_of

    found = templates_of(context.home)
    values = [held.to_json() for held in found.held]
    rows = [
        (
            value["id"],
            str(value["version"]),
            " / ".join(value["title"][language] for language in value["languages"]),
            "added here" if value["added"] else "",
            f"{value['sha256'][:12]}…",
        )
        for value in values
    ]
    warnings = [f"templates/{name} is no template and is left out" for name in found.damaged]
    table = Table(("template", "version", "title", "", "SHA-256"), rows)
    return Result({"templates": values, "damaged": list(found.damaged)}, [], [table], warnings)


def _show(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.templates import templates_of

    held = templates_of(context.home).newest(arguments.template)
    value = {**form_value(held.template), "sha256": held.reference.sha256, "added": held.added}
    return Result(value, blank_form(held.template, held.reference.sha256))


def blank_form(template: TemplateFile, sha256: str) -> Iterator[str]:
    """The empty form: every field with its labels, its codes and what to write there."""
    yield f"{template.id}, version {template.version}, for {template.kind}"
    yield f"SHA-256 {sha256}"
    for texts in (template.title, template.about):
        yield from (f"  [{language}] {texts[language]}" for language in template.languages)
    for style in ("formal", "plain"):
        yield ""
        yield f"opening, --{style}:"
        texts = getattr(template.openings, style)
        yield from (
            f"  [{language}] {line}"
            for language in template.languages
            for line in texts[language].split("\n")
        )
    for field in template.fields:
        yield ""
        yield f"--field {field.name}={_example(field)}"
        yield f"  {_in_all(field.label)}"
        yield from () if field.help is None else (f"  ({_in_all(field.help)})",)
        yield from (f"    {value.code:<29} {_in_all(value.label)}" for value in field.codes)
    yield ""
    yield "Every field is optional. كل الحقول اختيارية."


def _in_all(labels: dict[str, str]) -> str:
    return " / ".join(dict.fromkeys(labels[language] for language in sorted(labels, key=_equal_first)))


def _equal_first(language: str) -> tuple[bool, str]:
    return language not in ("ar", "en"), language


def _example(field: TemplateField) -> str:
    codes = [value.code for value in field.codes]
    examples = {
        "text": "TEXT", "time": "2026-11-24T09:00Z", "contact": "jo.technical", "number": "12",
        "choice": codes[0] if codes else "", "choices": ",".join(codes[:2]),
    }  # fmt: skip
    return examples[field.type]


def _add(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.home import open_home
    from poc.client.templates import add_template

    open_home(context.home)
    held = add_template(context.home, read_given(arguments.file, TEMPLATE_BYTES_MAX))
    value: dict[str, Any] = held.to_json()
    lines = [
        f"{held.template.id}, version {held.template.version}: forms made with it can be read here now",
        f"SHA-256 {held.reference.sha256}",
        f"compare it with whoever made it; see the form: poc template show {held.template.id}",
    ]
    return Result(value, lines)


def _export(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.client.templates import templates_of

    held = templates_of(context.home).newest(arguments.template)
    template = held.template
    out = arguments.out or Path(f"{template.id}.{template.version}.template.json")
    check_absent(out)
    write_file(out, form_bytes(template))
    value = {"file": str(out), **form_value(held.reference)}
    lines = [f"wrote {out}", f"SHA-256 {held.reference.sha256}", f"the other desk: poc template add {out}"]
    return Result(value, lines)
