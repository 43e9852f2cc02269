"""What every page shows the same way: icons, states, instants, durations, credits, numbers, links with the query."""

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

import lucide
import phonenumbers
from django import template
from django.conf import settings
from django.forms import BoundField
from django.template.context import Context
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.status import status_of

register = template.Library()

MICRO = 1_000_000
_TONES = {"success": "good", "info": "notice", "warning": "caution", "error": "bad", "danger": "bad", "debug": "plain"}
_TONE_ICONS = {"good": "circle-check", "notice": "info", "caution": "triangle-alert", "bad": "circle-alert"}


@register.simple_tag
def icon(name: str, size: int | str = 16, label: str = "", **attrs: object) -> SafeString:
    """A lucide icon as inline SVG. Hidden from screen readers unless it has a label. Extra attributes: class_="…"."""
    given = {key.rstrip("_").replace("_", "-"): str(value) + "" for key, value in attrs.items() if value}
    given |= {"role": "img", "aria-label": label + ""} if label else {"aria-hidden": "true"}
    try:
        return _icon(name + "", int(size), tuple(given.items()))
    except lucide.IconDoesNotExist:
        if settings.DEBUG:
            raise
        return SafeString("")


@lru_cache(maxsize=2048)
def _icon(name: str, size: int, attrs: tuple[tuple[str, str], ...]) -> SafeString:
    # The XML writer of lucide escapes the attributes.
    return mark_safe(lucide._render_icon(name, size, **dict(attrs)))  # noqa: S308


@register.simple_tag
def status(value: str | None, title: str = "") -> SafeString:
    """The badge of a state, from the product's one vocabulary (apps/core/status.py). Empty for an empty value."""
    if not value:
        return SafeString("")
    found = status_of(str(value))
    hint = format_html(' title="{}"', title) if title else ""
    return format_html(
        '<span class="badge-tone tone-{}" data-status="{}"{}>{}{}</span>',
        found.tone, value, hint, icon(found.icon, 13), found.label,
    )  # fmt: skip


@register.filter
def status_label(value: str) -> str:
    """Only the word of a state."""
    return str(status_of(str(value)).label)


@register.simple_tag(takes_context=True)
def ago(context: Context, value: datetime | None, empty: str = "–") -> SafeString:
    """A relative instant ("3 minutes ago") with the exact one on hover; kept fresh in the browser."""
    if value is None:
        return format_html('<span class="text-muted">{}</span>', empty)
    now = context.get("now")
    if not isinstance(now, datetime):
        now = datetime.now(UTC)
    seconds = (now - value).total_seconds()
    if abs(seconds) < 60:
        text = _("just now") if seconds >= 0 else _("in a moment")
    elif seconds > 0:
        text = _("%(time)s ago") % {"time": timesince(value, now, depth=1)}
    else:
        text = _("in %(time)s") % {"time": timeuntil(value, now, depth=1)}
    return format_html(
        '<time datetime="{}" title="{}" data-ago class="whitespace-nowrap">{}</time>',
        value.isoformat(), exact(value), text,
    )  # fmt: skip


@register.filter
def exact(value: datetime | None) -> str:
    """The instant in the person's own time zone, to the second, with the zone's name."""
    if value is None:
        return "–"
    local = timezone.localtime(value)
    return f"{formats.date_format(local, 'DATE_FORMAT')} {local:%H:%M:%S} {local.tzname()}"


@register.filter
def short_time(value: datetime | None) -> str:
    """The instant as a short date and the time to the minute, in the person's zone."""
    if value is None:
        return "–"
    local = timezone.localtime(value)
    return f"{formats.date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M}"


@register.filter
def duration(seconds: float | int | None) -> str:
    """Seconds as a clock shows them: 0:07, 3:42, 1:02:03."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def duration_words(seconds: float | int | None) -> str:
    """Seconds in words: 7 s, 3 min 42 s, 1 h 2 min."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
    return _("%(seconds)d s") % {"seconds": rest}


@register.filter
def credits(micro: int | None) -> str:
    """Micro-credits (a millionth of a credit) as credits: two decimals, four for less than a hundredth."""
    if micro is None:
        return "–"
    value = Decimal(micro) / MICRO
    small = 0 < abs(value) < Decimal("0.01")
    places = Decimal("0.0001") if small else Decimal("0.01")
    return number(value.quantize(places, ROUND_HALF_UP), 4 if small else 2)


@register.filter
def money(cents: int | None, currency: str = "EUR") -> str:
    """Minor units as money: 1234 becomes "12.34 EUR"."""
    return "–" if cents is None else f"{number(Decimal(cents) / 100, 2)} {currency}"


@register.filter
def number(value: float | Decimal | None, places: int | None = None) -> str:
    """A number as the person's language writes it, with groups of thousands. Whole unless places are given."""
    if value is None or value == "":
        return "–"
    whole = places is None and isinstance(value, int)
    return formats.number_format(value, decimal_pos=0 if whole else places, force_grouping=True)


@register.filter
def percent(value: float | Decimal | None, places: int = 1) -> str:
    """A share between 0 and 1 as a percentage."""
    return "–" if value is None else f"{number(round(Decimal(str(value)) * 100, places), places)}%"


@register.filter
def count_of(count: int, words: str) -> str:
    """A count with its noun: {{ 3|count_of:"lead,leads" }}. The two words must be translatable strings of the page."""
    one, many = words.split(",", 1)
    return f"{number(count)} {ngettext(one, many, count)}"


@register.filter
def phone(e164: str | None) -> str:
    """An E.164 number in international spacing; anything else (SIP addresses, anonymous) as it is."""
    if not e164:
        return "–"
    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@register.filter
def initials(name: str | None) -> str:
    """Up to two letters for an avatar: "Ada Lovelace" becomes AL, "ada@x.test" becomes A."""
    words = [word for word in (name or "?").split("@")[0].replace(".", " ").replace("-", " ").split() if word]
    letters = [word[0] for word in words if word[0].isalnum()] or ["?"]
    return (letters[0] + (letters[-1] if len(letters) > 1 else "")).upper()


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: object) -> str:
    """The page's query string with some parameters changed (None or "" drops one): href="{% query page=2 %}"."""
    params = context["request"].GET.copy()
    for key, value in changes.items():
        if value is None or value == "":
            params.pop(key, None)
        else:
            params[key] = str(value)
    return "?" + params.urlencode()


@register.filter
def pretty_json(value: Any) -> str:
    """A value as indented JSON text. Escaped by the template like any other text."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def level_tone(level: str | None) -> str:
    """The tone of a message level or banner level: success, info, warning, error."""
    last = (level or "info").split()[-1]
    return _TONES.get(last, last)


@register.filter
def tone_icon(tone: str) -> str:
    """The icon that goes with a tone."""
    return _TONE_ICONS.get(tone, "info")


@register.filter
def widget_kind(field: BoundField) -> str:
    """Which field layout fits: switch (one checkbox), choices, file or text."""
    kind = getattr(field.field.widget, "input_type", "")
    if kind == "checkbox" and not hasattr(field.field.widget, "optgroups"):
        return "switch"
    return {"radio": "choices", "checkbox": "choices", "file": "file"}.get(kind, "text")


@register.filter
def input_class(widget: dict[str, Any]) -> str:
    """The daisyUI class of an input by its type, added to classes the form itself gives."""
    kinds = {"checkbox": "toggle", "radio": "radio", "file": "file-input", "range": "range", "color": "color-input"}
    own = widget.get("attrs", {}).get("class", "")
    return f"{kinds.get(widget.get('type', 'text'), 'input')} {own}".strip()


@register.filter
def get_unit(attrs: dict[str, Any]) -> str:
    """The unit a form's widget asks for with attrs={"data-unit": "s"}."""
    return str(attrs.get("data-unit", ""))


@register.simple_tag
def meter_parts(segments: list[dict[str, Any]], total: float | str | None = None) -> list[dict[str, Any]]:
    """Segments {value, tone, label} with their place on a bar 1000 wide. Shares of `total`, else of their sum."""
    whole = float(total or 0) or float(sum(part["value"] for part in segments)) or 1.0
    parts, x = [], 0.0
    for part in segments:
        width = min(1000 - x, 1000 * part["value"] / whole)
        parts.append({**part, "x": f"{x:.1f}", "width": f"{width:.1f}"})
        x += width
    return parts
