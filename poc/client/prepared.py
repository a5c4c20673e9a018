"""Texts and forms prepared from a template: openings in both languages, fields as they travel.

What a template says stands in ``core.template``, where its file comes from in ``templates``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poc.client.known import Known
from poc.client.templates import Held
from poc.client.view import party_view
from poc.core.form import form_of, form_value
from poc.core.message import MessageBody
from poc.core.template import (
    EQUAL_LANGUAGES,
    REST_IN_ORIGINAL,
    Style,
    TemplateFile,
    fill,
    in_language,
    opening,
    rendered,
)


def templated_body(
    known: Known,
    held: Held,
    fields: Mapping[str, str],
    *,
    language: str,
    style: Style | None,
    text: str | None,
    courtesy: Sequence[tuple[str, str]] = (),
) -> tuple[MessageBody, tuple[str, ...]]:
    """The body of a message written with a template, and every line its readers will see of the fields.

    Each text begins with the template's opening, unless ``style`` is ``None``. Arabic and English get a
    courtesy opening where none was given, which says so where the rest is in the original only. Without a
    text, a language that the template lacks gives way to one of them.

    Raises ``bad-field``, ``bad-form``.
    """
    template = held.template
    filled = fill(template, fields)
    begins = {name: _opening(known, template, style, name) for name in (language, *EQUAL_LANGUAGES)}
    begins |= {name: _opening(known, template, style, name) for name, _ in courtesy}
    if text is None and begins[language] is None:  # then nothing is said in it
        language = next((name for name in ("en", "ar") if begins[name]), language)
    texts = []
    if original := _joined(begins[language], text):
        texts.append({"language": language, "text": original, "role": "original"})
        texts += [_courtesy(name, _joined(begins[name], given)) for name, given in courtesy]
        spoken = {name.partition("-")[0] for name in (language, *dict(courtesy))}
        for name in (name for name in EQUAL_LANGUAGES if name not in spoken and begins[name]):
            texts.append(_courtesy(name, _joined(begins[name], text and REST_IN_ORIGINAL[name])))
    value = {"template": form_value(held.reference), "fields": filled, "texts": texts}
    return form_of(MessageBody, value), rendered(template, filled)


def _courtesy(language: str, text: str) -> dict[str, str]:
    return {"language": language, "text": text, "role": "courtesy"}


def _joined(*parts: str | None) -> str:
    return "\n\n".join(part for part in parts if part)


def _opening(known: Known, template: TemplateFile, style: Style | None, language: str) -> str | None:
    """How a text in a language begins; ``None`` where the template does not have the language."""
    if style is None or not {language, language.partition("-")[0]} & set(template.languages):
        return None
    party = party_view(known, known.party or "")
    names = {"sender": party["office_names"], "sender_state": party["state_names"]}
    fallback = {"sender": party["contact"], "sender_state": party["state"]}
    spoken = {
        name: in_language(found, language) if found else fallback[name] for name, found in names.items()
    }
    return opening(template, style, language, spoken)
