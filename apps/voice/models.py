"""Which voice engine carries the calls, and whose key is used there."""

from __future__ import annotations

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.fields_encrypted import EncryptedTextField
from apps.core.models import Row
from apps.organizations.models import Organization, OwnedModel


def new_hook_id() -> str:
    return secrets.token_urlsafe(24)


def new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


class Connection(Row):
    """A row without organization is the installation's own connection, which everybody may fall back to.

    `via`: the account behind the key was made at that connection's engine. It goes with it: same address, same trust.
    `account_id`: whose key it is, as the engine says. `resync_wanted_at`: what is mirrored
    there is to be compared anew.
    """

    class Kind(models.TextChoices):
        HOSTED = "hosted", _("HMS Sovereign account")
        OTHER = "other", _("Another engine that speaks this API")
        SANDBOX = "sandbox", _("Sandbox")

    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.OTHER)
    name = models.CharField(_("name"), max_length=200)
    base_url = models.CharField(_("base URL"), max_length=2048)
    web_call_url = models.CharField(_("web-call URL"), max_length=2048, blank=True)
    api_key = EncryptedTextField(default=b"", blank=True)
    account_id = models.CharField(max_length=64, blank=True)
    via = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
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
    alerted_at = models.DateTimeField(null=True, blank=True)
    resync_wanted_at = models.DateTimeField(null=True, blank=True)
    # Limits of its own beside those that the engine announces; the smaller one holds.
    concurrent_calls = models.PositiveIntegerField(_("calls at once"), null=True, blank=True)
    inbound_lines = models.PositiveIntegerField(_("lines kept for inbound calls"), default=0)
    starts = models.PositiveSmallIntegerField(_("call starts"), null=True, blank=True)
    starts_seconds = models.PositiveSmallIntegerField(_("in seconds"), default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(starts_seconds__gte=1), name="connection_window_has_length"),
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

    @property
    def is_trusted(self) -> bool:
        """Whether the operator chose this address, so that it may lie in a private network."""
        if self.organization_id is None:
            return True
        return self.via is not None and self.via.is_installation and self.via.base_url == self.base_url


class Mirror(OwnedModel):
    """What of one of our things stands at an engine that keeps its own copies (platform 12). Local is the truth."""

    class Kind(models.TextChoices):
        ACCOUNT = "account", _("Account")
        TRUNK = "trunk", _("SIP trunk")
        MCP_SERVER = "mcp_server", _("MCP server")
        WORKFLOW = "workflow", _("Workflow")
        ASSISTANT = "assistant", _("Assistant")
        PLACEHOLDER = "placeholder", _("Placeholder of a number")
        NUMBER = "number", _("Phone number")
        KEY = "key", _("Provider key")
        # That the organization's keys may stand there: `ref` says who agreed.
        CONSENT = "consent", _("Consent to keep provider keys there")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    object_id = models.UUIDField()
    ref = models.CharField(max_length=255, blank=True)
    # A trunk cannot be changed: the old one goes when no number uses it any more.
    old_ref = models.CharField(max_length=255, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    is_dirty = models.BooleanField(default=True)
    marks = models.PositiveIntegerField(default=1)
    # A create may have been sent whose answer was never written down.
    is_unsure = models.BooleanField(default=False)
    synced_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "connection", "kind", "object_id"], name="mirrored_once")
        ]
        indexes = [
            models.Index(fields=["next_try_at"], condition=models.Q(is_dirty=True), name="mirror_to_push"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"

    @property
    def state(self) -> str:
        """`error`, `waiting` or `synced`."""
        if self.error:
            return "error"
        return "waiting" if self.is_dirty or not self.ref else "synced"
