"""Calls, what happened in them, and what engines told us."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.assistants.models import Assistant
from apps.calls.ids import money_key_of, new_call_id
from apps.calls.models_lists import RefusalUpload
from apps.core.fields_encrypted import EncryptedTextField
from apps.core.models import Row
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.models import Organization, OwnedModel, OwnedQuerySet
from apps.voice.models import Connection

# `config["channel"]` of a web call that is typed.
TEXT = "text"


class CallQuerySet(OwnedQuerySet):
    def running(self) -> Self:
        return self.filter(status__in=Call.RUNNING)

    def ended(self) -> Self:
        return self.exclude(status__in=Call.RUNNING)

    def newest(self) -> Self:
        return self.order_by("-created_at", "-id")


class Call(OwnedModel):
    """One call. `public_id` is its id on the wire and our reference at the engine; `ref` is the engine's."""

    class Status(models.TextChoices):
        CONNECTING = "connecting", _("Connecting")
        RINGING = "ringing", _("Ringing")
        IN_PROGRESS = "in-progress", _("In progress")
        ENDED = "ended", _("Ended")
        ENDED_WITH_ERROR = "ended-with-error", _("Ended with error")
        TRANSFERRED = "transferred", _("Transferred")
        FAILED = "failed", _("Failed")
        REJECTED = "rejected", _("Rejected")
        INSUFFICIENT_CREDITS = "insufficient-credits", _("Out of credits")

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("Inbound")
        OUTBOUND = "outbound", _("Outbound")
        WEB = "web", _("Web")

    class Dial(models.TextChoices):
        """How far the dial request is. It moves one way; only `unknown` is looked up and sent again."""

        NONE = "none"  # inbound: the other side dialled
        RESERVED = "reserved"
        SENDING = "sending"
        UNKNOWN = "unknown"
        ACCEPTED = "accepted"
        REFUSED = "refused"  # certainly did not ring
        IN_DOUBT = "in_doubt"

    RUNNING = (Status.CONNECTING, Status.RINGING, Status.IN_PROGRESS)
    RANK = {Status.CONNECTING: 0, Status.RINGING: 1, Status.IN_PROGRESS: 2}
    OPEN_DIALS = (Dial.RESERVED, Dial.SENDING, Dial.UNKNOWN)

    public_id = models.CharField(max_length=64, unique=True, default=new_call_id)
    direction = models.CharField(max_length=10, choices=Direction)
    status = models.CharField(max_length=24, choices=Status, default=Status.CONNECTING)
    end_reason = models.CharField(max_length=40, null=True, blank=True)  # noqa: DJ001
    error = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001

    assistant = models.ForeignKey(Assistant, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    assistant_name = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    business_name = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    number = models.ForeignKey(PhoneNumber, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    own_number = models.CharField(max_length=32, null=True, blank=True)  # noqa: DJ001
    other_number = models.CharField(max_length=32, null=True, blank=True)  # noqa: DJ001
    reference = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    api_key_id = models.UUIDField(null=True, blank=True)
    origin = models.CharField(max_length=64, default="page")
    key = models.CharField(max_length=200)
    metadata = models.JSONField(null=True, blank=True)
    config = models.JSONField(default=dict, blank=True)
    webhook = EncryptedTextField(default=b"", blank=True)

    connection = models.ForeignKey(Connection, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ref = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    control_url = models.CharField(max_length=2048, blank=True)
    dial = models.CharField(max_length=10, choices=Dial, default=Dial.NONE)
    dial_key = models.CharField(max_length=64, blank=True)
    dial_at = models.DateTimeField(null=True, blank=True)
    trunk = models.ForeignKey(SipTrunk, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    wanted_until = models.DateTimeField(null=True, blank=True)
    not_after = models.DateTimeField(null=True, blank=True)
    refusal = models.CharField(max_length=60, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    checks = models.PositiveSmallIntegerField(default=0)
    next_check_at = models.DateTimeField(null=True, blank=True)
    last_news_at = models.DateTimeField(null=True, blank=True)
    last_seq = models.PositiveIntegerField(default=0)
    engine_instance = models.CharField(max_length=64, blank=True)
    missing_since = models.DateTimeField(null=True, blank=True)

    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    is_simulated = models.BooleanField(default=False)
    is_charged = models.BooleanField(default=True)
    is_private = models.BooleanField(default=False)
    cut_reason = models.CharField(max_length=40, blank=True)
    callback_at = models.DateTimeField(null=True, blank=True)
    opted_out_at = models.DateTimeField(null=True, blank=True)
    cost = models.BigIntegerField(null=True, blank=True)
    usage = models.JSONField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    summary = models.TextField(null=True, blank=True)  # noqa: DJ001
    analysis_result = models.JSONField(null=True, blank=True)
    analysis_problem = models.CharField(max_length=300, blank=True)
    messages = models.JSONField(null=True, blank=True)
    turns = models.JSONField(null=True, blank=True)
    tool_calls = models.JSONField(null=True, blank=True)
    recording_url = models.CharField(max_length=2048, blank=True)
    report_at = models.DateTimeField(null=True, blank=True)
    content_erased_at = models.DateTimeField(null=True, blank=True)
    metadata_erased_at = models.DateTimeField(null=True, blank=True)
    search = SearchVectorField(null=True, editable=False)

    objects = CallQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="one_call_per_key"),
            models.UniqueConstraint(
                fields=["organization", "api_key_id", "reference"],
                condition=models.Q(reference__isnull=False, api_key_id__isnull=False), name="one_call_per_reference",
            ),
            models.UniqueConstraint(
                fields=["organization", "connection", "ref"], condition=models.Q(ref__isnull=False), name="one_call_per_ref"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="call_newest"),
            models.Index(fields=["organization", "status", "-created_at"], name="call_by_status"),
            models.Index(fields=["organization", "assistant", "-created_at"], name="call_by_assistant"),
            models.Index(fields=["dial", "lease_until"], condition=models.Q(dial__in=["reserved", "sending", "unknown"]), name="call_dialling"),
            models.Index(fields=["organization", "origin"], name="call_by_origin"),
            models.Index(fields=["organization", "other_number", "created_at"], condition=models.Q(direction="outbound"), name="call_by_number"),
            models.Index(fields=["connection", "sent_at"], condition=models.Q(sent_at__isnull=False), name="call_starts"),
            models.Index(fields=["last_news_at"], condition=models.Q(settled_at=None, connection__isnull=False), name="call_open"),
            models.Index(
                fields=["trunk", "sent_at"],
                condition=models.Q(trunk__isnull=False) & (models.Q(refusal="unavailable") | models.Q(dial__in=["unknown", "in_doubt"])),
                name="call_trunk_trouble",
            ),
            models.Index(fields=["sent_at"], condition=models.Q(direction="outbound", sent_at__isnull=False), name="call_booked"),
            models.Index(
                fields=["connection", "next_check_at"],
                condition=models.Q(refusal="capacity", next_check_at__isnull=False), name="call_not_before",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_running(self) -> bool:
        return self.status in self.RUNNING

    @property
    def is_final(self) -> bool:
        return not self.is_running

    @property
    def is_typed(self) -> bool:
        """A web call in text: a person types, the assistant answers."""
        return self.direction == self.Direction.WEB and self.config.get("channel") == TEXT

    @property
    def is_in_doubt(self) -> bool:
        """Given up without knowing: the one final state that a late event may still turn (features 12)."""
        return self.status == self.Status.FAILED and self.end_reason == "in_doubt"

    @property
    def money_key(self) -> str:
        """Under this key the call is held and charged, once."""
        return money_key_of(self.public_id)

    def may_become(self, status: str) -> bool:
        """Status moves one way: up the ladder while the call runs, then to one final status."""
        if self.is_in_doubt:
            return True
        ranks = {each.value: rank for each, rank in self.RANK.items()}
        return self.is_running and ranks.get(status, 9) > ranks[self.status]


class CallEvent(OwnedModel):
    """The timeline of a call: metadata of what happened, never content."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    data = models.JSONField(default=dict, blank=True)
    key = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "call", "key"], name="one_timeline_row_per_key")]
        indexes = [models.Index(fields=["call", "at"], name="timeline")]


class EngineEvent(Row):
    """What an engine posted, stored before it is applied; without organization until its call is known."""

    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    type = models.CharField(max_length=40)
    call_ref = models.CharField(max_length=255, blank=True)
    call_id = models.UUIDField(null=True, blank=True)
    seq = models.PositiveIntegerField(null=True, blank=True)
    happened_at = models.DateTimeField(null=True, blank=True)
    body = EncryptedTextField(owner="connection_id", default=b"", blank=True)
    answer = EncryptedTextField(owner="connection_id", default=b"", blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "key"], name="one_event_per_key")]
        indexes = [
            models.Index(fields=["created_at"], condition=models.Q(applied_at=None), name="event_open"),
            models.Index(fields=["call_id", "seq"], name="event_of_call"),
            models.Index(fields=["connection", "call_ref"], condition=models.Q(call_id=None), name="event_unbound"),
        ]


class CallCommand(OwnedModel):
    """A control command: stored first, then sent; the same body within 10 s is the same command."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="commands")
    key = models.CharField(max_length=300)
    digest = models.CharField(max_length=64, blank=True)
    type = models.CharField(max_length=20)
    body = EncryptedTextField(default=b"", blank=True)
    actor = models.CharField(max_length=200, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "call", "key"], name="one_command_per_key")]


class Recording(OwnedModel):
    """The sound of a call: to be fetched from its engine, then a file in the storage `recordings`.

    `name` is reserved before anything is fetched, so that a file of a worker that died is known; after an erasure it
    stays until the file is gone.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Being fetched")
        STORED = "stored", _("Stored")
        MISSING = "missing", _("Not available")
        ERASED = "erased", _("Erased")

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="recording")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    name = models.CharField(max_length=120, blank=True)
    media_type = models.CharField(max_length=40, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=60, blank=True)
    stored_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(status="waiting"), name="recording_due"),
            models.Index(fields=["organization", "name"], name="recording_by_name"),
            models.Index(
                fields=["organization"], condition=models.Q(status="erased") & ~models.Q(name=""), name="recording_to_remove"
            ),
        ]


class EngineErasure(OwnedModel):
    """Content that an engine still holds and has to be asked to erase; the row goes when the engine has done so."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    ref = models.CharField(max_length=255)
    call_id = models.CharField(max_length=64)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    problem = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "connection", "ref"], name="one_erasure_per_engine_call")
        ]
        indexes = [models.Index(fields=["next_attempt_at"], name="engine_erasure_due")]


class PendingReport(OwnedModel):
    """A report whose summary or analysis we still make. The customer is told when it is done, or at `due_at` without it.

    `content` is what the engine reported and what is done of it so far, under GDPR mode the only place that has it.
    The row goes when the customer has been told.
    """

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="pending_report")
    at = models.DateTimeField()
    due_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    content = EncryptedTextField(default=b"", blank=True)

    class Meta:
        indexes = [models.Index(fields=["next_try_at"], name="pending_report_due")]


class DoNotCallQuerySet(OwnedQuerySet):
    def valid(self, now: dt.datetime) -> Self:
        """Without those whose time is over."""
        return self.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=now))


class DoNotCall(OwnedModel):
    """A number that is not called. An agency's list holds for its clients too.

    `digest` is the number under a key of this organization: it is what is compared, and all that is left after the
    person was erased. `listed_at`: when the person refused; `expires_at`: when the refusal ends, if ever.
    """

    class Source(models.TextChoices):
        PAGE = "page", _("Entered by hand")
        IMPORT = "import", _("Imported list")
        PHRASE = "phrase", _("Said in a call")
        TOOL = "tool", _("Asked for in a call")
        KEY = "key", _("Key pressed in a call")
        ERASURE = "erasure", _("Person erased")

    phone_number = models.CharField(_("phone number"), max_length=16, null=True, blank=True)  # noqa: DJ001
    digest = models.BinaryField(max_length=32)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    source = models.CharField(max_length=40, default=Source.PAGE)
    call_id = models.CharField(max_length=64, blank=True)
    upload = models.ForeignKey(RefusalUpload, null=True, blank=True, on_delete=models.SET_NULL, related_name="entries")
    listed_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = DoNotCallQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "digest"], name="one_refusal_per_number"),
            models.CheckConstraint(
                condition=models.Q(phone_number=None) | models.Q(phone_number__regex=r"^\+[1-9][0-9]{6,14}$"),
                name="refusal_is_e164",
            ),
        ]
        indexes = [models.Index(fields=["organization", "-listed_at", "-id"], name="refusal_newest")]


class CallingRules(OwnedModel):
    """How often a number is called by an organization, whatever the campaign, and how people in a call opt out.

    Without a row the defaults hold. `number_attempts` calls in `number_days` days; `min_gap_minutes` lie between two.
    `opt_out_phrases`: language to phrases; null: those that are shipped. `opt_out_key`: a digit of the telephone; empty: none.
    """

    min_gap_minutes = models.PositiveIntegerField(_("minutes between two calls to a number"), default=5)
    number_attempts = models.PositiveSmallIntegerField(_("calls to a number"), default=10)
    number_days = models.PositiveSmallIntegerField(_("in days"), default=1)
    opt_out_phrases = models.JSONField(null=True, blank=True)
    opt_out_key = models.CharField(max_length=1, blank=True, default="")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="one_calling_rules_per_organization")]


def call_age(call: Call, now: dt.datetime) -> float:
    """Seconds since the call was reserved."""
    return (now - call.created_at).total_seconds()
