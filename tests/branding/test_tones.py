"""On which ground a logo is seen, and on which it stands on a plate."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from apps.branding.context import brand_view
from apps.branding.images import icons_of, read_picture
from apps.branding.looks import look_of, mail_logo
from apps.branding.models import Brand, BrandImage
from apps.branding.pictures import logo_on, set_picture
from apps.branding.tones import plate_on, tone_of
from apps.core import db
from apps.mail.services import rendered
from tests import factories
from tests.cases import TenantCase

CLEAR = (0, 0, 0, 0)


def drawn(mark: str, word: str, ground: object = CLEAR) -> bytes:
    """A square sign and a long word beside it."""
    image = Image.new("RGBA", (400, 80), ground)  # type: ignore[arg-type]
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, 75, 75), fill=mark)
    for left in range(100, 390, 30):
        draw.rectangle((left, 20, left + 18, 60), fill=word)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("mark", "word", "ground", "tone"),
    [
        ("#111111", "#111111", CLEAR, "dark"), ("#e4572e", "#1b2a49", CLEAR, "dark"), ("#ffffff", "#ffffff", CLEAR, "light"),
        ("#e4572e", "#f4f4f4", CLEAR, "light"), ("#e4572e", "#2f80ed", CLEAR, "any"), ("#111111", "#111111", "#ffffff", "any"),
    ],
)  # fmt: skip
def test_the_tone_is_judged_from_the_outline(mark: str, word: str, ground: object, tone: str) -> None:
    assert tone_of(drawn(mark, word, ground)) == tone


def test_what_stands_inside_a_coloured_sign_does_not_count() -> None:
    image = Image.new("RGBA", (100, 100), CLEAR)
    draw = ImageDraw.Draw(image)
    draw.rectangle((5, 5, 95, 95), fill="#d6336c")
    draw.rectangle((15, 15, 85, 85), fill="#ffffff")
    out = io.BytesIO()
    image.save(out, "PNG")
    assert tone_of(out.getvalue()) == "any"


def test_a_plate_is_there_where_a_logo_would_be_lost() -> None:
    table = {(ground, tone): plate_on(ground, kind="logo_light", tone=tone) for ground in ("light", "dark") for tone in ("dark", "light", "any", "")}
    assert {key: value for key, value in table.items() if value} == {
        ("dark", "dark"): "light", ("light", "light"): "dark", ("dark", ""): "light",
    }  # fmt: skip
    assert (plate_on("light", kind="logo_dark", tone=""), plate_on("dark", kind="logo_dark", tone="")) == ("dark", "")


def test_a_white_logo_makes_icons_that_are_seen() -> None:
    made = icons_of(read_picture(drawn("#ffffff", "#ffffff"), kind="logo_light"))
    for each in made.values():
        corner = Image.open(io.BytesIO(each.content)).convert("RGBA").getpixel((1, 1))
        assert corner == (0x17, 0x19, 0x1F, 255)


class WornTest(TenantCase):
    def wear(self, *, primary: str = "#0b4f6c", **pictures: bytes) -> Brand:
        brand = factories.make_brand(slug=f"brand-{Brand.objects.count()}", primary_color=primary)
        for kind, content in pictures.items():
            set_picture(brand=brand, kind=kind, picture=read_picture(content, kind=kind), source_url="", now=db.now())
        return Brand.objects.with_pictures().get(pk=brand.pk)

    def plates(self, brand: Brand) -> tuple[str, str]:
        view = brand_view(brand)
        return view["logo_light_plate"], view["logo_dark_plate"]

    def test_only_a_dark_logo_stands_on_a_light_plate_in_the_dark_theme(self) -> None:
        brand = self.wear(logo_light=drawn("#111111", "#111111"))
        self.assertEqual(self.plates(brand), ("", "light"))
        self.assertEqual((mail_logo(brand)["plate"], look_of(brand).plate), ("", "#ffffff"))

    def test_only_a_logo_for_dark_ground_is_shown_everywhere_too(self) -> None:
        brand = self.wear(logo_dark=drawn("#ffffff", "#ffffff"))
        view = brand_view(brand)
        self.assertEqual(self.plates(brand), ("dark", ""))
        self.assertEqual(view["logo_light_url"], view["logo_dark_url"])
        self.assertTrue(view["has_logo"] and view["has_wordmark"])
        _subject, _text, html = rendered(brand=brand, template="portal_address", context={"name": "N", "email": "e@x.y", "path": "/"})
        self.assertIn('<span class="plate"><img class="logo"', html)
        self.assertIn("background: #17191f", html)
        self.assertEqual((bool(look_of(brand).logo), look_of(brand).plate), (True, ""))
        self.assertEqual(look_of(self.wear(primary="#ffe066", logo_dark=drawn("#ffffff", "#ffffff"))).plate, "#17191f")

    def test_a_white_logo_in_the_wrong_place_is_seen_in_both_themes(self) -> None:
        brand = self.wear(logo_light=drawn("#ffffff", "#ffffff"))
        self.assertEqual(self.plates(brand), ("dark", ""))
        self.assertEqual(look_of(brand).plate, "")

    def test_of_two_the_one_that_is_seen(self) -> None:
        brand = self.wear(logo_light=drawn("#111111", "#111111"), logo_dark=drawn("#ffffff", "#ffffff"))
        self.assertEqual(self.plates(brand), ("", ""))
        swapped = self.wear(logo_dark=drawn("#111111", "#111111"), logo_light=drawn("#ffffff", "#ffffff"))
        self.assertEqual((logo_on(swapped, "dark")["kind"], logo_on(swapped, "dark")["plate"]), ("logo_light", ""))

    def test_a_colourful_logo_has_no_plate(self) -> None:
        self.assertEqual(self.plates(self.wear(logo_light=drawn("#e4572e", "#2f80ed"))), ("", ""))

    def test_one_that_was_never_judged_is_not_lost(self) -> None:
        brand = self.wear(logo_light=drawn("#111111", "#111111"))
        BrandImage.objects.filter(brand=brand).update(tone="")
        self.assertEqual(self.plates(Brand.objects.with_pictures().get(pk=brand.pk)), ("", "light"))

    def test_the_sign_in_page_wears_it(self) -> None:
        brand = self.wear(logo_light=drawn("#111111", "#111111"))
        page = self.client_class(HTTP_HOST=f"{brand.slug}.localhost").get("/accounts/login")
        self.assertContains(page, "theme-dark-only logo-plate is-light")
        self.assertNotContains(page, "theme-light-only logo-plate")
