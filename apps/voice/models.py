"""Which voice engine carries the calls, and whose key is used there."""

from __future__ import annotations

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.fields_encrypted import EncryptedTextField
from apps.core.models import Row
from apps.organizations.models import Organization


def new_hook_id() -> str:
    return secrets.token_urlsafe(24)


def new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


class Connection(Row):
    """A row without organization is the installation's own connection, which everybody may fall back to."""

    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(_("name"), max_length=200)
    base_url = models.CharField(_("base URL"), max_length=2048)
    api_key = EncryptedTextField(default=b"", blank=True)
    hook_id = models.CharField(max_length=64, unique=True, default=new_hook_id)
    hook_secret = EncryptedTextField(default=b"", blank=True)
    hook_secret_before = EncryptedTextField(default=b"", blank=True)
    is_active = models.BooleanField(default=True)
    engine = models.JSONField(default=dict, blank=True)
    engine_read_at = models.DateTimeField(null=True, blank=True)
    receiver_set_for = models.CharField(max_length=64, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(is_active=True),
                name="one_active_connection",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_installation(self) -> bool:
        return self.organization_id is None
