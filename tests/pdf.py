"""What a PDF says: its words page by page, and what it says about itself. Enough for the PDFs that we write."""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\n(.*)\nendstream", re.DOTALL)
_SHOWN = re.compile(rb"/F(\d+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) ?Tj|\[((?:\((?:\\.|[^\\)])*\)|[^\]])*)\] ?TJ", re.DOTALL)
_PIECE = re.compile(rb"\(((?:\\.|[^\\)])*)\)", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def words_of(content: bytes) -> str:
    """Every text that is drawn, one per line, in the order of drawing."""
    objects = {int(number): body for number, body in _OBJECT.findall(content)}
    fonts = {int(name): _letters(objects, int(ref)) for name, ref in re.findall(rb"/F(\d+) (\d+) 0 R", content)}
    found, letters = [], {}
    for body in objects.values():
        data = _data(body)
        if data is None or b" Tf" not in data:
            continue
        for font, plain, pieces in _SHOWN.findall(data):
            if font:
                letters = fonts[int(font)]
            else:
                codes = _raw(plain) if plain else b"".join(_raw(piece) for piece in _PIECE.findall(pieces))
                found.append("".join(letters.get(code, "?") for code in (codes[at] << 8 | codes[at + 1] for at in range(0, len(codes) - 1, 2))))
    return "\n".join(found)


def about(content: bytes) -> dict[str, str]:
    """Producer, Creator, Title and Author."""
    found = re.findall(rb"/(Producer|Creator|Title|Author) (?:\(((?:\\.|[^\\)])*)\)|<([0-9a-fA-F]+)>)", content)
    return {name.decode(): _text(_raw(plain) if plain else bytes.fromhex(hexed.decode())) for name, plain, hexed in found}


def _text(data: bytes) -> str:
    return data[2:].decode("utf-16-be") if data[:2] == b"\xfe\xff" else data.decode("latin-1")


def _letters(objects: dict[int, bytes], font: int) -> dict[int, str]:
    ref = re.search(rb"/ToUnicode (\d+) 0 R", objects[font])
    table = (_data(objects[int(ref[1])]) if ref else b"") or b""
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in re.findall(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>", table)}


def _data(body: bytes) -> bytes | None:
    stream = _STREAM.search(body)
    if stream is None:
        return None
    return zlib.decompress(stream[1]) if b"/FlateDecode" in body else stream[1]


def _raw(escaped: bytes) -> bytes:
    return re.sub(rb"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), escaped, flags=re.DOTALL)
