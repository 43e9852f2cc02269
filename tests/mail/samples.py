"""Each mail that the product can send, rendered for a brand with sample values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.branding.models import Brand
from apps.mail.services import rendered

AT = dt.datetime(2026, 11, 18, 10, 0, tzinfo=dt.UTC)
# More than any one template needs; what is missing renders as nothing.
VALUES: dict[str, Any] = {
    "path": "/somewhere", "title": "A title", "sentence": "A sentence.", "code": "123456", "user": "Cleo", "to_email": "new@example.com",
    "at": AT, "address": "192.0.2.1", "program": "Firefox on Linux", "paragraphs": ["One.", "Two."], "organization": "Bakker Dental",
    "company": "Bakker Dental", "name": "Bakker Dental", "inviter": "Ada", "days": 7, "credits": 12, "reason": "x", "note": "x",
    "seconds": 84, "started_at": AT, "timezone": "UTC", "status": "ended", "summary": "A caller.", "turns": [{"role": "user", "content": "Hello."}],
    "reference": "AB12", "amount": "12.10 EUR", "iban": "NL91ABNA0417164300", "campaign": "Spring recall", "number": "INV-1",
}  # fmt: skip


def every_mail(brand: Brand) -> Iterator[tuple[str, str, str, str, str]]:
    """(template, language, subject, text, html)."""
    for file in sorted(Path(settings.BASE_DIR, "templates/emails").glob("*.subject.txt")):
        name = file.name.removesuffix(".subject.txt")
        for language in ("en", "nl", "de"):
            yield (name, language, *rendered(brand=brand, template=name, context=dict(VALUES), language=language))
