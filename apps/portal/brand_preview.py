"""How a brand looks while it is typed: the preview's data, its stylesheet, and what becomes of the colours."""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.branding.images import Kind
from apps.branding.models import Brand, BrandImage
from apps.branding.pictures import has_wordmark, logo_on, picture_url
from apps.branding.sheets import font_rule
from apps.core.colour import DARK_SURFACES, LIGHT_SURFACES, brand_css, contrast, normal, shades
from apps.organizations.models import Organization
from apps.portal.forms_brand import BrandForm

LIGHT, DARK = '.brand-pane[data-theme="light"]', '.brand-pane[data-theme="dark"]'


def typed(brand: Brand, data: QueryDict) -> Brand:
    """The brand with what is valid of the form's fields; nothing is saved."""
    shown = copy.copy(brand)
    form = BrandForm(data, instance=copy.copy(brand))
    form.full_clean()
    for name, value in form.cleaned_data.items():
        if name in data:
            setattr(shown, name, value)
    return shown


def preview(agency: Organization, brand: Brand) -> dict[str, Any]:
    colours = {"primary_color": brand.primary_color, "accent_color": brand.accent_color, "font": brand.font}
    return {
        "shown": {
            "name": brand.name,
            "sender": brand.sender_name or brand.name,
            "sign_in_title": brand.sign_in_title or _("Sign in to %(name)s") % {"name": brand.name},
            "sign_in_text": brand.sign_in_text,
        },
        "themes": [
            {"name": "light", "label": _("Light theme"), "logo": logo_on(brand, "light")},
            {"name": "dark", "label": _("Dark theme"), "logo": logo_on(brand, "dark")},
        ],
        "has_wordmark": has_wordmark(brand),
        "checks": checks(brand.primary_color, brand.accent_color),
        "colours_url": reverse("brand_colours", args=[agency.slug]) + "?" + urlencode(colours),
    }


def pictures(brand: Brand) -> list[dict[str, Any]]:
    """The pictures that an agency gives, each with what it is for and where it came from."""
    found = {row.kind: row for row in BrandImage.objects.filter(brand=brand).defer("content")}
    hints = {
        Kind.LOGO_LIGHT: _("Shown on light ground, in e-mails and documents. The icon of the browser's tab is made from it."),
        Kind.LOGO_DARK: _("Shown in the dark theme. Without it the first one is, on a plate when it would be lost."),
        Kind.SIGN_IN: _("Beside the sign-in form on wide screens."),
    }
    return [
        {"kind": kind.value, "label": kind.label, "hint": hint, "url": picture_url(brand, kind), "row": found.get(kind)}
        for kind, hint in hints.items()
    ]


def preview_css(brand: Brand) -> str:
    sheet = brand_css(brand.primary_color, brand.accent_color, light=LIGHT, dark=DARK)
    return sheet + font_rule(brand.font, at=".brand-pane")


def checks(primary: str, accent: str) -> list[dict[str, Any]]:
    """What becomes of the two colours: used as they are, or in a shade that can be read (WCAG 2.2 AA)."""
    found = []
    for dark, surfaces in ((False, LIGHT_SURFACES), (True, DARK_SURFACES)):
        made = shades(primary, accent, dark=dark)
        for name, colour, key in ((_("Primary"), primary, "--brand-ink"), (_("Accent"), accent, "--accent-ink")):
            found.append(_check(name, normal(colour), made[key], surfaces, dark=dark))
    return found


def _check(name: str, colour: str, ink: str, surfaces: tuple[str, ...], *, dark: bool) -> dict[str, Any]:
    ratio = min(contrast(colour, surface) for surface in surfaces)
    values = {"name": name, "ratio": f"{ratio:.1f}", "shade": ink.upper()}
    if ink == colour:
        text = _("%(name)s as text on dark: %(ratio)s to 1, readable.") if dark else _("%(name)s as text on light: %(ratio)s to 1, readable.")
    else:
        text = (
            _("%(name)s as text on dark: %(ratio)s to 1 is too little (4.5); the lighter shade %(shade)s is used.") if dark
            else _("%(name)s as text on light: %(ratio)s to 1 is too little (4.5); the darker shade %(shade)s is used.")
        )  # fmt: skip
    return {"is_kept": ink == colour, "text": text % values}
