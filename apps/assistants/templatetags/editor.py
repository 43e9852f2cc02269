"""Inputs by name: the editor's inputs are named after paths in JSON, which templates cannot write as attributes."""

from __future__ import annotations

from django import forms, template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def field(form: forms.Form, *parts: object) -> SafeString:
    """The input with label, help and error: {% field form "speech_config.silence." name %}."""
    return form[_name(parts)].as_field_group()


@register.simple_tag
def control(form: forms.Form, *parts: object) -> SafeString:
    """Only the input and its error, labelled for screen readers: for rows under column heads."""
    bound = form[_name(parts)]
    # Django renders both parts escaped.
    return format_html(
        '<div class="field" data-field="{}">{}{}</div>',
        bound.html_name, bound.as_widget(attrs={"aria-label": str(bound.label)}), bound.errors,
    )  # fmt: skip


@register.filter
def attr(attrs: dict[str, object], name: str) -> object:
    """An attribute whose name holds a dash."""
    return attrs.get(name, "")


def _name(parts: tuple[object, ...]) -> str:
    return "".join(str(part) for part in parts)
