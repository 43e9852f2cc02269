"""Which pictures a brand has, where they are found, and how they are replaced."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.branding.images import ICONS, MAX_BYTES, Kind, Picture, drawn_icon, icons_of
from apps.branding.models import Brand, BrandImage
from apps.branding.tones import plate_on, tone_of
from apps.core.db import step
from apps.core.errors import Invalid
from apps.core.http import SendError, send
from apps.core.templatetags.ui import initials

FETCH_SECONDS = 10.0
LOGOS = (Kind.LOGO_LIGHT, Kind.LOGO_DARK)


def pictures_of(brand: Brand) -> dict[str, dict[str, Any]]:
    """Digest, width, height and tone of each picture, by kind. One query, unless the brand was read `with_pictures()`."""
    held = getattr(brand, "pictures_held", None)
    if held is None:
        held = list(BrandImage.objects.filter(brand=brand).values("kind", "digest", "width", "height", "tone"))
        brand.pictures_held = held  # type: ignore[attr-defined]
    return {each["kind"]: each for each in held}


def picture_url(brand: Brand, kind: str) -> str:
    """The path of a picture; of an icon always, of others "" when there is none."""
    found = pictures_of(brand).get(kind)
    if found is None and kind not in ICONS:
        return ""
    digest = found["digest"] if found else _drawn_version(brand)
    return reverse("brand_picture", args=[kind.replace("_", "-"), digest[:16]])


def logo_on(brand: Brand, ground: str) -> dict[str, Any] | None:
    """The logo on "light" or "dark" ground: kind, url, width, height, tone and the plate it needs there; None without one.

    The one that was made for the ground comes first, unless it would be lost and the other would not.
    """
    found = pictures_of(brand)
    choices = [
        {"kind": kind, "url": picture_url(brand, kind), "width": found[kind]["width"], "height": found[kind]["height"], "tone": found[kind]["tone"],
         "plate": plate_on(ground, kind=kind, tone=found[kind]["tone"])}
        for kind in (LOGOS if ground == "light" else LOGOS[::-1]) if kind in found
    ]  # fmt: skip
    return next((each for each in choices if not each["plate"]), choices[0] if choices else None)


def has_wordmark(brand: Brand) -> bool:
    """Whether the logo is so wide that it holds the name: it is not written beside it again."""
    found = pictures_of(brand).get(Kind.LOGO_LIGHT) or pictures_of(brand).get(Kind.LOGO_DARK)
    return found is not None and found["width"] > 2 * found["height"]


def picture_of(brand: Brand, kind: str) -> Picture | None:
    """The bytes of a picture; an icon that nobody made is drawn."""
    row = BrandImage.objects.filter(brand=brand, kind=kind).first()
    if row:
        return Picture(bytes(row.content), row.content_type, row.width, row.height)
    return drawn_icon(initials(brand.name), brand.primary_color, ICONS[Kind(kind)]) if kind in ICONS else None


def fetch_picture(url: str) -> bytes:
    """Fetch a picture once. Its address is judged like that of a webhook. Raises Invalid with the reason."""
    if not url.startswith("https://") and not settings.DEVELOPMENT:
        raise Invalid(_("The address must start with https://."), param="url")
    try:
        answer = send("GET", url, headers={"accept": "image/*"}, timeout=FETCH_SECONDS, limit=MAX_BYTES + 1)
    except SendError as error:
        raise Invalid(_("The picture could not be fetched: %(why)s") % {"why": error}, param="url") from error
    if answer.status != 200:
        raise Invalid(_("The address answered with %(status)d, not with a picture.") % {"status": answer.status}, param="url")
    return answer.body


@step
def set_picture(*, brand: Brand, kind: str, picture: Picture, source_url: str, now: dt.datetime) -> None:
    """Put a picture in the place of the one of its kind. From the logo the icons are made, too."""
    made = {kind: (picture, source_url)}
    if kind == Kind.LOGO_LIGHT:
        made |= {icon: (each, "") for icon, each in icons_of(picture).items()}
    for name, (each, source) in made.items():
        tone = tone_of(each.content) if name in LOGOS else ""
        BrandImage.objects.update_or_create(
            brand=brand, kind=name,
            defaults={"tone": tone, "content": each.content, "content_type": each.content_type, "width": each.width, "height": each.height,
                      "digest": each.digest, "source_url": source, "updated_at": now},
        )  # fmt: skip
    brand.pictures_held = None  # type: ignore[attr-defined]


@step
def remove_picture(*, brand: Brand, kind: str) -> bool:
    """Take a picture away; with the logo go the icons that were made from it. Returns whether there was one."""
    kinds = [kind, *ICONS] if kind == Kind.LOGO_LIGHT else [kind]
    count, _rows = BrandImage.objects.filter(brand=brand, kind__in=kinds).delete()
    brand.pictures_held = None  # type: ignore[attr-defined]
    return bool(count)


def _drawn_version(brand: Brand) -> str:
    return hashlib.sha256(f"{initials(brand.name)} {brand.primary_color}".encode()).hexdigest()
