"""Writes ``schemas/``: one JSON Schema per form, openapi.json, and beside them docs/routes.md.

Run as ``python -m poc.schemas`` (``make schemas``); ``--check`` only compares and names what
drifted. Nothing here decides what a form is: the models in ``poc.core`` do, and the tables of routes
and shapes in ``poc.web``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from poc.core import (
    bodies,
    card,
    carriage,
    draft_form,
    evidence,
    exercise,
    fork,
    message,
    notices,
    proposal,
    snapshot,
    state_request,
    statement,
    template,
)
from poc.core.form import Form
from poc.web import openapi

OPENAPI_NAME: Final = "openapi.json"
ROUTES_PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "routes.md"
SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
FOLDER: Final = Path(__file__).resolve().parent.parent / "schemas"

FORMS: Final[dict[str, type[Form]]] = {
    "statement": statement.StatementForm,
    "signed-statement": statement.SignedStatementForm,
    "entry": statement.EntryForm,
    **{f"body.{name}": model for name, model in bodies.BODIES.items()},
    "proposal": proposal.Proposal,
    "state-request": state_request.StateRequest,
    "state-request-file": state_request.StateRequestFile,
    "card.office": card.OfficePart,
    "card.reach": card.ReachPart,
    "card.person": card.PersonPart,
    "opening": card.Opening,
    "message": message.Message,
    "preparation": message.Preparation,
    "draft": draft_form.DraftForm,
    "draft-header": draft_form.DraftHeader,
    "sealed-draft": draft_form.SealedDraft,
    "envelope": message.Envelope,
    "envelope-header": message.EnvelopeHeader,
    "receipt": evidence.Receipt,
    "retrieval": evidence.Retrieval,
    "acknowledgement": evidence.Acknowledgement,
    "cancel": evidence.Cancel,
    "evidence-file": evidence.EvidenceFile,
    "fork-file": fork.ForkFile,
    "snapshot": snapshot.SnapshotFile,
    "carriage": carriage.CarriageFile,
    "announcement": exercise.Announcement,
    "script": exercise.Script,
    "order": exercise.Order,
    "template": template.TemplateFile,
    "notices": notices.NoticeList,
    "conflict": notices.ConflictFile,
}


def schema_of(name: str, model: type[Form]) -> dict[str, Any]:
    """The JSON Schema of one form, with every member required and no other allowed."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": SCHEMA_DIALECT, "$id": f"{name}.schema.json", **schema}


def files() -> dict[str, str]:
    """File name to text, for everything in ``schemas/``."""
    documents = {f"{name}.schema.json": schema_of(name, model) for name, model in FORMS.items()}
    documents[OPENAPI_NAME] = openapi.build()
    return {name: json.dumps(value, indent=2, ensure_ascii=False) + "\n" for name, value in documents.items()}


def drift(folder: Path = FOLDER) -> list[str]:
    """Names of files that are missing, changed, or no longer generated."""
    wanted = files()
    present = {path.name for path in folder.glob("*.json")}
    changed = [n for n, text in wanted.items() if n in present and (folder / n).read_text("utf-8") != text]
    return sorted({*changed, *(wanted.keys() - present), *(present - wanted.keys())})


def write(folder: Path = FOLDER) -> list[str]:
    """Bring ``schemas/`` up to date; gives the names of the files that changed."""
    changed = drift(folder)
    wanted = files()
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], "utf-8")
        else:
            (folder / name).unlink()
    return changed


if __name__ == "__main__":
    check = "--check" in sys.argv[1:]
    names = drift() if check else write()
    if not check:
        ROUTES_PAGE.write_text(openapi.routes_page(), "utf-8")
    for file_name in names:
        sys.stdout.write(f"{'differs' if check else 'written'}: {file_name}\n")
    sys.exit(1 if check and names else 0)
