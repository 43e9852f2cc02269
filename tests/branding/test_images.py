"""Pictures as bytes: icons from a logo, drawn ones, and what is kept of a file."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from apps.branding.images import Picture, drawn_icon, icons_of, read_picture
from apps.core.colour import contrast


def encoded(image: Image.Image, encoding: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, encoding, **options)
    return out.getvalue()


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.content)).convert("RGBA")


def wordmark(ground: tuple[int, ...]) -> Image.Image:
    """A red square, a gap, and a long blue word."""
    image = Image.new("RGBA", (400, 80), ground)
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 10, 69, 69), fill="#ff0000")
    draw.rectangle((100, 20, 390, 60), fill="#0000ff")
    return image


def test_the_icon_is_the_leading_mark_of_a_wide_logo():
    for ground in ((0, 0, 0, 0), (255, 255, 255, 255)):
        logo = read_picture(encoded(wordmark(ground)), kind="logo_light")
        made = icons_of(logo)
        for kind, side in (("favicon", 32), ("icon_192", 192), ("icon_512", 512)):
            icon = opened(made[kind])
            assert icon.size == (side, side)
            assert icon.getpixel((side // 2, side // 2))[:3] == (255, 0, 0)
            assert all(blue <= red for red, _green, blue, alpha in icon.get_flattened_data() if alpha > 200)


def test_a_logo_in_one_piece_is_shown_whole():
    bar = Image.new("RGBA", (300, 60), "#00ff00")
    icon = opened(icons_of(read_picture(encoded(bar), kind="logo_light"))["favicon"])
    assert icon.getpixel((16, 16))[:3] == (0, 255, 0)
    assert icon.getpixel((16, 2))[3] == 0


def test_large_pictures_shrink_and_their_metadata_is_gone():
    info = PngInfo()
    info.add_text("Comment", "who made it")
    logo = read_picture(encoded(Image.new("RGB", (3000, 1000), "#123456"), pnginfo=info), kind="logo_light")
    assert (logo.width, logo.height, logo.content_type) == (600, 200, "image/png")
    assert b"who made it" not in logo.content
    photo = read_picture(encoded(Image.new("RGB", (3000, 2000), "#123456"), "JPEG", comment=b"who made it"), kind="sign_in")
    assert (photo.width, photo.height, photo.content_type) == (1600, 1067, "image/webp")
    assert b"who made it" not in photo.content


def test_of_a_moving_picture_the_first_stands():
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("#ff0000", "#0000ff")]
    picture = read_picture(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), kind="logo_light")
    assert opened(picture).getpixel((20, 20))[:3] == (255, 0, 0)


def test_a_brand_without_a_logo_has_readable_initials():
    icon = opened(drawn_icon("NV", "#facc15", 192))
    assert icon.size == (192, 192)
    assert icon.getpixel((0, 0))[3] == 0
    assert icon.getpixel((96, 10))[:3] == (0xFA, 0xCC, 0x15)
    inks = {pixel[:3] for pixel in icon.get_flattened_data() if pixel[3] == 255}
    darkest = min(inks, key=sum)
    assert contrast("#{:02x}{:02x}{:02x}".format(*darkest), "#facc15") >= 4.5
