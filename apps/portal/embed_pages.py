"""What a website shows of a widget: the page in its frame, the script that opens it, and the code to paste."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.branding.context import brand_view
from apps.branding.models import Brand
from apps.branding.services import absolute_url
from apps.core.colour import content_for, normal
from apps.portal.models import Embed
from apps.portal.services.embeds import takes_sign_ups

LONGEST = 2000


def label_of(embed: Embed) -> str:
    """The words of the button."""
    return embed.label or (_("Talk to us") if embed.kind == Embed.Kind.TALK else _("Sign up"))


def frame_url(embed: Embed) -> str:
    return absolute_url(embed.organization.brand, reverse("embed_frame", args=[embed.key]))


def script_url(embed: Embed) -> str:
    return absolute_url(embed.organization.brand, reverse("embed_script", args=[embed.key]))


def snippets(embed: Embed) -> dict[str, str]:
    """The code to paste, by way: a script that makes a button, or a frame in the page."""
    title = escape(label_of(embed))
    return {
        "script": f'<script src="{script_url(embed)}" async></script>',
        "frame": f'<iframe src="{frame_url(embed)}" title="{title}" width="100%" height="600" referrerpolicy="origin" loading="lazy"></iframe>',
    }


def frame_page(request: HttpRequest, embed: Embed, *, is_preview: bool = False) -> HttpResponse:
    """The page in the frame. It is drawn without the request: nothing of a session may be in it."""
    context = {
        "embed": embed, "brand": _brand_on(request, embed), "label": label_of(embed), "longest": LONGEST,
        "language": request.LANGUAGE_CODE,  # type: ignore[attr-defined]
        "is_preview": is_preview, "is_offered": embed.kind == Embed.Kind.TALK or takes_sign_ups(embed.organization),
    }  # fmt: skip
    return HttpResponse(render_to_string(f"embeds/frame_{embed.kind}.html", context))


def _brand_on(request: HttpRequest, embed: Embed) -> dict[str, Any]:
    """The widget's brand. Its page may be looked at on the installation's own host, whose style sheet is another."""
    here: Brand = request.brand  # type: ignore[attr-defined]
    brand = embed.organization.brand
    view = brand_view(brand)
    if here.is_installation and not brand.is_installation:
        view["css_url"] += f"?of={brand.slug}"
    return view


def refused_page(request: HttpRequest, text: str, status: int) -> HttpResponse:
    """A frame that may not be shown, or shows nothing, says why in one sentence."""
    context = {"brand": brand_view(request.brand), "language": request.LANGUAGE_CODE, "text": text}  # type: ignore[attr-defined]
    return HttpResponse(render_to_string("embeds/frame_refused.html", context), status=status)


def script(embed: Embed) -> str:
    """The script for a website: a button in the brand's colours that opens the frame."""
    colour = normal(embed.organization.brand.primary_color)
    widget: dict[str, Any] = {
        "key": embed.key, "url": frame_url(embed), "label": label_of(embed), "close": _("Close"),
        "colour": colour, "ink": content_for(colour),
    }  # fmt: skip
    # Nothing in it may end the script, wherever a website puts it.
    config = json.dumps(widget).replace("<", "\\u003c")
    return render_to_string("embeds/loader.js", {"widget": config})
