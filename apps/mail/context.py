"""What forms that send mail say about it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


def mail(request: HttpRequest) -> dict[str, Any]:
    """`mails_kept`: mails do not leave, they lie in the mailbox; its address only for who may open it."""
    if settings.EMAIL_URL:
        return {"mails_kept": False}
    user = getattr(request, "user", None)
    brand = getattr(request, "brand", None)
    may_open = bool(
        settings.DEVELOPMENT
        and user
        and user.is_authenticated
        and user.is_superuser
        and brand
        and brand.is_installation
    )
    return {"mails_kept": True, "mailbox_url": reverse("mailbox") if may_open else ""}
