"""Everything an organization has, as a ZIP of JSON lines: one file per table, secrets left out (platform 6)."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
import zipfile
from typing import IO, Any
from uuid import UUID

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction

from apps.assistants.models import AnalysisTemplate, Assistant, AssistantVersion, McpServer, ToolTemplate, Workflow
from apps.billing.models import Account, Buyer, Invoice, LedgerEntry, Payment, Purchase, Subscription
from apps.calls.models import Call, CallEvent, CallingRules, DoNotCall, Recording
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.catalog.models import SenderDomain
from apps.chats.models import ChatMessage
from apps.core import db
from apps.core.db import writes
from apps.core.errors import NotFound
from apps.core.scope import acting
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.models import (
    ApiKey,
    AuditEntry,
    Invitation,
    Job,
    Limits,
    Membership,
    Notification,
    Organization,
    OwnedModel,
    Visit,
)
from apps.organizations.scopes import acting_for, overview
from apps.organizations.services import Actor, record_audit
from apps.portal.models import Embed
from apps.webhooks.models import Attempt as DeliveryAttempt
from apps.webhooks.models import Delivery

KIND = "export"
PAUSE = dt.timedelta(seconds=60)
KEPT = dt.timedelta(days=7)
ROWS = 1000
TABLES: tuple[type[OwnedModel], ...] = (
    Membership, Invitation, ApiKey, Limits, AuditEntry, Visit, Notification, Account, LedgerEntry, Subscription, Purchase, Invoice,
    Payment, Buyer, Assistant, AssistantVersion, ToolTemplate, AnalysisTemplate, McpServer, Workflow, SipTrunk, PhoneNumber, SenderDomain,
    Call, CallEvent, Recording, DoNotCall, CallingRules, Campaign, Lead, Attempt, ChatMessage, Delivery, DeliveryAttempt, Embed,
)  # fmt: skip
# What the product keeps for itself while it works; each with the reason that nobody misses it.
LEFT_OUT = {
    "StoredAnswer": "answers kept for a day against repeats", "Job": "work that is under way", "NotificationRead": "who has read a note",
    "Hold": "credits set aside while a call runs", "Checkpoint": "sums of the ledger", "InvoiceCounter": "an agency's", "Seller": "an agency's",
    "Package": "an agency's", "Plan": "an agency's", "StripeEvent": "an agency's", "Portal": "an agency's", "Announcement": "an agency's",
    "LibraryItem": "an agency's", "LibraryCopy": "what a copy was made from", "Endpoint": "how addresses answered lately",
    "SecretChange": "secrets", "ProviderKey": "secrets", "ProviderSettings": "choices of models", "PostCallModel": "choices of models",
    "Mirror": "copies at the engine", "RefusalUpload": "files as they came", "CallCommand": "kept as events of the call",
    "EngineErasure": "erasures under way", "PendingReport": "reports under way", "Upload": "files as they came",
    "RememberedColumns": "names of columns", "HookLead": "keys of leads that came in",
}  # fmt: skip


@writes
def begin_export(*, organization: Organization, by: Actor) -> Job:
    """Note that an organization is to be exported. The caller wakes `tasks_bulk.export_one`; a sweep does when that is lost."""
    job = Job.objects.create(organization=organization, kind=KIND, total=len(TABLES), started_by=by.user)
    record_audit(organization=organization, by=by, action="organization.export", target=organization)
    return job


def run_export(*, organization_id: UUID, job_id: UUID) -> None:
    """Write the file. Begun anew after a crash; a job that is done stays as it is."""
    own = Organization(pk=organization_id)
    with acting_for(own):
        job = Job.objects.for_organization(organization_id).filter(pk=job_id).first()
        if job is None or job.status == Job.Status.DONE:
            return
        with tempfile.TemporaryFile() as file:
            counts = _write(file, organization_id, job)
            file.seek(0)
            name = f"exports/{organization_id.hex}/{job_id.hex}.zip"
            if store().exists(name):
                store().delete(name)
            saved = store().save(name, File(file))
        _note(job, status=Job.Status.DONE, done=len(TABLES), data={"file": saved, "counts": counts})


def exported_file(organization: Organization, job_id: UUID) -> tuple[Job, IO[bytes]]:
    """The file of a job that is done. Raises NotFound."""
    job = Job.objects.for_organization(organization).filter(pk=job_id, kind=KIND, status=Job.Status.DONE).first()
    if job is None or not store().exists(job.data.get("file", "")):
        raise NotFound
    return job, store().open(job.data["file"])


def latest_export(organization: Organization) -> Job | None:
    return Job.objects.for_organization(organization).filter(kind=KIND).order_by("-created_at").first()


def open_exports(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """(organization, job) of exports that nobody has worked on for a while."""
    with acting(overview("exports that stand still")):
        rows = Job.objects.filter(kind=KIND, updated_at__lt=now - PAUSE, status__in=(Job.Status.WAITING, Job.Status.RUNNING))
        return list(rows.values_list("organization_id", "pk")[:20])


def forget_old(now: dt.datetime) -> None:
    """Files older than a week go, with their jobs; also of organizations that were deleted meanwhile."""
    with acting(overview("exports that are old")):
        rows = list(Job.objects.filter(kind=KIND, created_at__lt=now - KEPT).values_list("organization_id", "pk", "data"))
    for organization_id, job_id, data in rows:
        if data.get("file"):
            store().delete(data["file"])
        with acting_for(Organization(pk=organization_id)):
            Job.objects.for_organization(organization_id).filter(pk=job_id).delete()


def store() -> Storage:
    return storages["recordings"]


def _write(file: Any, organization_id: UUID, job: Job) -> dict[str, int]:
    counts = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("organization.json", "w") as out:
            out.write(_line(Organization.objects.get(pk=organization_id)))
        for place, model in enumerate(TABLES, start=1):
            name = f"{model._meta.app_label}.{model._meta.model_name}.jsonl"
            with archive.open(name, "w") as out, transaction.atomic():
                counts[name] = 0
                for row in model._base_manager.filter(organization_id=organization_id).order_by("pk").iterator(chunk_size=ROWS):
                    out.write(_line(row))
                    counts[name] += 1
            _note(job, status=Job.Status.RUNNING, done=place)
    return counts


def _line(row: models.Model) -> bytes:
    """A row without what is sealed: a secret leaves in no file."""
    plain = [field for field in row._meta.fields if not isinstance(field, models.BinaryField)]
    values = {field.attname: getattr(row, field.attname) for field in plain}
    return json.dumps(values, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"


def _note(job: Job, **values: Any) -> None:
    Job.objects.for_organization(job.organization_id).filter(pk=job.pk).update(updated_at=db.now(), **values)
