"""The templates of a desk, of the program and added to its home; and forms as a reader sees them.

A message is read with the very template it was written with, found by id, version and hash, or with none:
another version is never taken for it. What a template is stands in ``core.template``. No key is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from poc.client.known import Known
from poc.core.form import form_bytes, form_value
from poc.core.message import MessageBody, Template
from poc.core.template import ShownField, TemplateFile, find_template, read_template, reference, show_fields
from poc.errors import RefusedError
from poc.keyring import write_private
from poc.limits import TEMPLATE_BYTES_MAX, TEMPLATES_MAX

FOLDER: Final = Path(__file__).resolve().parent.parent / "templates"
HOME_FOLDER: Final = "templates"
NOT_HERE: Final = {
    "en": "This desk does not have this template: the fields are shown as they were sent.",
    "ar": "لا يوجد هذا النموذج في هذا المكتب: تُعرض الحقول كما أُرسلت.",
}
NOT_IN_TEMPLATE: Final = {
    "en": "Not in the template: shown as it was sent.",
    "ar": "غير موجود في النموذج: يُعرض كما أُرسل.",
}
FIELD_NOT_IN_TEMPLATE: Final = {
    "en": "Some of the form is not in its template; it is shown as it was sent.",
    "ar": "بعض ما في النموذج غير وارد فيه، ويُعرض كما أُرسل.",
}


@dataclass(frozen=True, slots=True)
class Held:
    """A template that this desk has; ``added`` to its home, or one of the program."""

    template: TemplateFile
    reference: Template
    added: bool

    def to_json(self) -> dict[str, Any]:
        """What a list of templates shows of it."""
        template = self.template
        return {
            **form_value(self.reference), "kind": template.kind, "languages": list(template.languages),
            "title": dict(template.title), "about": dict(template.about), "fields": len(template.fields),
            "added": self.added,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Templates:
    """All that a desk has; ``damaged`` names the files of its home that are no templates."""

    held: tuple[Held, ...]
    damaged: tuple[str, ...]

    def newest(self, wanted: str) -> Held:
        """A template by its id: the newest version of it. Raises ``unknown-template``."""
        found = [held for held in self.held if held.template.id == wanted.strip().lower()]
        if not found:
            known = sorted({held.template.id for held in self.held})
            raise RefusedError("unknown-template", wanted[:64], templates=known)
        return max(found, key=lambda held: held.template.version)

    def of(self, named: Template) -> TemplateFile | None:
        """The template that a message names; ``None`` where this desk does not have that very one."""
        return find_template(named, (held.template for held in self.held))


@lru_cache(maxsize=1)
def _of_the_program() -> tuple[Held, ...]:
    files = (read_template(path.read_bytes()) for path in sorted(FOLDER.glob("*.json")))
    return tuple(Held(template, reference(template), added=False) for template in files)


def templates_of(home: Path) -> Templates:
    """The templates of the program and of a home; a file there that is none takes nothing from the others."""
    held, damaged = [], []
    for path in sorted((home / HOME_FOLDER).glob("*.json")):
        try:
            template = read_template(_bytes_of(path))
        except (RefusedError, OSError):
            damaged.append(path.name)
            continue
        held.append(Held(template, reference(template), added=True))
    return Templates((*_of_the_program(), *held), tuple(damaged))


def _bytes_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(TEMPLATE_BYTES_MAX + 1)


def add_template(home: Path, data: bytes) -> Held:
    """Keep a template's file in a home; one that is here already changes nothing.

    Raises:
        RefusedError: as ``read_template``; ``template-exists`` (another file has this id and version);
            ``template-reserved`` (an id without a dot is the program's own); ``too-many-templates``.
    """
    template = read_template(data)
    named, here = reference(template), templates_of(home)
    for held in here.held:
        if held.reference == named:
            return held
        if (held.template.id, held.template.version) == (template.id, template.version):
            raise RefusedError("template-exists", f"{template.id} version {template.version}")
    if "." not in template.id:
        raise RefusedError("template-reserved", template.id)
    if sum(held.added for held in here.held) >= TEMPLATES_MAX:
        raise RefusedError("too-many-templates", f"{TEMPLATES_MAX} is the limit")
    write_private(home / HOME_FOLDER / f"{template.id}.{template.version}.json", form_bytes(template))
    return Held(template, named, added=True)


# --- forms as a reader sees them ---------------------------------------------------------------


def form_view(known: Known, body: MessageBody) -> dict[str, Any] | None:
    """The fields of a message with their labels per language; ``None`` where nothing was filled in.

    ``here`` says whether this desk has the template; ``sentence`` what to say where something of it is not
    known here.
    """
    if body.template is None and not body.fields:
        return None
    template = None
    if body.template is not None:
        template = templates_of(known.trust.path.parent).of(body.template)
    fields = show_fields(template, body.fields)
    return {
        "here": template is not None,
        "title": None if template is None else dict(template.title),
        "sentence": NOT_HERE if body.template is not None and template is None else None,
        "fields": [_field_value(field, named=template is not None) for field in fields],
    }


def _field_value(field: ShownField, *, named: bool) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.type,
        "labels": None if field.labels is None else dict(field.labels),
        "value": field.value,
        "shown": None if field.shown is None else dict(field.shown),
        "known": field.known,
        "sentence": NOT_IN_TEMPLATE if named and not field.known else None,
    }


def unknown_in(form: dict[str, Any] | None) -> Iterable[str]:
    """The codes of warnings that a shown form calls for."""
    if form is None:
        return
    if form["sentence"] is not None:
        yield "template-not-here"
    if any(field["sentence"] is not None for field in form["fields"]):
        yield "field-not-in-template"
