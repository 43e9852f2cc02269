"""What the portal itself keeps: how clients come in, what they are sent, what is copied to them, what is embedded elsewhere."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.assistants.models import Assistant
from apps.branding.models import Brand
from apps.core.models import Row
from apps.organizations.models import OwnedModel


class Portal(OwnedModel):
    """How an agency (`organization`) takes clients in."""

    allows_sign_up = models.BooleanField(_("clients may sign up"), default=False)
    approves_sign_ups = models.BooleanField(_("a sign-up waits for approval"), default=False)
    free_credits = models.PositiveIntegerField(_("free credits"), default=0)
    gives_wallets = models.BooleanField(_("clients pay from a wallet of their own"), default=True)
    # The plan a client begins with; null: no limits.
    plan_id = models.UUIDField(null=True, blank=True)
    notify_email = models.EmailField(_("tell about sign-ups"), blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="one_portal_per_agency")]


class SignUp(Row):
    """Somebody who signs up at a brand. It belongs to nobody until the client is made, once, under `signup:<user>`."""

    class Status(models.TextChoices):
        CONFIRMING = "confirming", _("E-mail not confirmed")
        WAITING = "waiting", _("Waits for approval")
        MAKING = "making", _("Being made")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Refused")

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")
    company = models.CharField(_("company"), max_length=200)
    terms_accepted_at = models.DateTimeField(null=True, blank=True)
    terms_url = models.CharField(max_length=2048, blank=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.CONFIRMING)
    organization_id = models.UUIDField(null=True, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["brand", "status", "created_at"], name="sign_ups_of_a_brand")]

    def __str__(self) -> str:
        return self.company


class Announcement(OwnedModel):
    """Words of an agency (`organization`) to its clients; each client gets a notification, and if asked a mail."""

    title = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("text"), max_length=4000)
    level = models.CharField(_("level"), max_length=10, default="info")
    is_banner = models.BooleanField(_("show as a banner"), default=True)
    sends_mail = models.BooleanField(_("send as an e-mail, too"), default=False)
    until = models.DateTimeField(_("show until"), null=True, blank=True)
    # Slugs would change; null: all clients.
    clients = models.JSONField(null=True, blank=True)
    author = models.CharField(max_length=200)
    sent_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at"], name="announcements_newest")]

    def __str__(self) -> str:
        return self.title


class LibraryItem(OwnedModel):
    """An assistant or template of an agency (`organization`) that is given to clients."""

    class Kind(models.TextChoices):
        ASSISTANT = "assistant", _("Assistant")
        TOOL = "tool", _("Tool template")
        ANALYSIS = "analysis", _("Analysis template")

    kind = models.CharField(max_length=10, choices=Kind)
    object_id = models.UUIDField()
    for_sign_ups = models.BooleanField(_("copy to clients that sign up"), default=False)
    note = models.CharField(_("what it is for"), max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "kind", "object_id"], name="in_the_library_once")]


class LibraryCopy(OwnedModel):
    """What of the agency's library a client (`organization`) has: `base` is what it was copied from, to tell who changed what."""

    item_id = models.UUIDField()
    kind = models.CharField(max_length=10, choices=LibraryItem.Kind)
    object_id = models.UUIDField()
    base = models.JSONField()
    pushed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "item_id"], name="one_copy_per_item")]


class Embed(OwnedModel):
    """A piece of the product on another website: a sign-up form (of an agency), or talking to an assistant.

    `key` is public and names it; `origins` may show it, no others.
    """

    class Kind(models.TextChoices):
        SIGN_UP = "sign_up", _("Sign-up form")
        TALK = "talk", _("Talk to an assistant")

    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(_("name"), max_length=100)
    key = models.CharField(max_length=43, unique=True)
    origins = models.JSONField(default=list)
    assistant = models.ForeignKey(Assistant, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(_("text of the button"), max_length=60, blank=True)
    greeting = models.CharField(_("text above it"), max_length=200, blank=True)
    calls_per_hour = models.PositiveSmallIntegerField(_("talks in an hour, at most"), default=20)
    is_active = models.BooleanField(_("switched on"), default=True)

    def __str__(self) -> str:
        return self.name
