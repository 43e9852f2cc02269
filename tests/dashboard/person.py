"""Everything that can be kept about one phone number, and a scan of every column for it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from apps.billing.models import LedgerEntry
from apps.branding.models import Brand
from apps.calls import files
from apps.calls.models import Call, CallCommand, CallEvent, EngineEvent, Recording, RefusalUpload
from apps.calls.sql import index_texts
from apps.campaigns.models import Attempt, Campaign, Upload
from apps.chats.models import ChatMessage
from apps.core import db
from apps.core.fields_encrypted import EncryptedTextField
from apps.core.mentions import Mention
from apps.mail.models import Message
from apps.organizations.models import Job, Organization, StoredAnswer
from apps.organizations.scopes import operator
from apps.voice.models import Connection
from apps.webhooks.models import Attempt as DeliveryAttempt
from apps.webhooks.models import Delivery
from tests import factories

NUMBER = "+31612345678"
SAID = "You can reach me at 06-1234 5678, or +31 (0)6 12345678."


class Traces:
    """Rows of an organization that name NUMBER: two calls of the person, and mentions wherever text can stand."""

    def __init__(self, organization: Organization, connection: Connection) -> None:
        self.organization, self.connection = organization, connection
        self.calls = [self.call(NUMBER, "outbound"), self.call("0612345678", "inbound")]
        self.other = self.others_call()
        self.campaigns()
        self.outbox()
        self.make(ChatMessage, contact_id="whatsapp:+31 6 12345678", channel="whatsapp", role="user", content="Hello")
        self.make(ChatMessage, contact_id="sam@example.com", channel="mail", role="user", content=SAID, metadata={"phone": NUMBER})
        factories.make_refusal(organization, NUMBER, reason="Asked for it")
        factories.make_refusal(organization, "+31698765432", reason=f"Works with {NUMBER}")
        self.make(RefusalUpload, filename=f"without {NUMBER}.csv", content=b"", imported_at=db.now(), bad_rows=f"Phone;Why\n{NUMBER}x;letters\n".encode())
        self.make(StoredAnswer, api_key_id=organization.pk, key="h:1", request_digest=b"x", body=f'{{"destination":"{NUMBER}"}}', expires_at=later())
        self.make(StoredAnswer, api_key_id=organization.pk, key=f"h:{NUMBER}", request_digest=b"x", expires_at=later())
        self.make(Job, kind="import", data={"note": SAID}, error="0612345678 was refused")
        index_texts([call.pk for call in [*self.calls, self.other]])

    def make(self, model: Any, **fields: Any) -> Any:
        return factories._make(model, self.organization, **fields)

    def call(self, number: str, direction: str) -> Call:
        now = db.now()
        call = factories.make_call(
            self.organization, other_number=number, direction=direction, summary=f"Caller {number} wants an appointment.",
            messages=[{"role": "user", "content": SAID}], metadata={"phone": NUMBER}, reference=f"order-{number}",
            config={"variables": {"phone": SAID}}, error=f"{number} hung up", connection=self.connection,
            ref=f"eng-{direction}-{self.organization.slug}", settled_at=now, ended_at=now, tool_calls=[{"arguments": {"to": NUMBER}}],
            recording_url="https://engine.example.org/r.wav", turns=[{"content": SAID}], analysis_result={"phone": 31612345678},
            origin="campaign:x",
        )  # fmt: skip
        self.make(CallEvent, call=call, kind="consent", key="consent", at=now, data={"value": "given"})
        self.make(CallEvent, call=call, kind="transfer", key="transfer", at=now, data={"to": NUMBER})
        self.make(CallCommand, call=call, key="c", type="say", body=f'{{"content":"{SAID}"}}')
        self.make(EngineEvent, connection=self.connection, key=f"e-{call.pk}", type="assistant-request", call_id=call.pk, body=f'{{"customer":"{number}"}}', answer=SAID)
        self.delivery(call.public_id, "delivered", NUMBER)
        self.make(LedgerEntry, key=f"call:{call.public_id}", kind="call", amount=-1000, used_by=self.organization.pk, call_id=call.public_id)
        name = files.new_name(self.organization.pk)
        path = Path(settings.DATA_DIR) / "sound"
        path.write_bytes(b"RIFF")
        files.put(name, path)
        self.make(Recording, call=call, status="stored", name=name, size=4, sha256="0" * 64, media_type="audio/wav", stored_at=now)
        return call

    def others_call(self) -> Call:
        call = factories.make_call(
            self.organization, other_number="+31687654321", summary=f"Asks to call {NUMBER}.", messages=[{"role": "user", "content": SAID}],
            turns=[{"content": SAID}], tool_calls=[{"result": {NUMBER: 1}}], analysis_result={"back": "0031612345678"}, reference=NUMBER,
            metadata={"callback": NUMBER}, config={"variables": {"callback": NUMBER}, "name": "Front desk"}, error=SAID, settled_at=db.now(),
        )  # fmt: skip
        self.make(CallEvent, call=call, kind="transfer", key="t", at=db.now(), data={"to": NUMBER})
        self.make(CallCommand, call=call, key="c", type="transfer", body=f'{{"destination":"{NUMBER}"}}')
        self.make(EngineEvent, connection=self.connection, key=f"e-{call.pk}", type="tool-calls", call_id=call.pk, body=SAID)
        self.make(EngineEvent, connection=self.connection, key=f"u-{call.pk}", type="status-update", body=SAID)
        self.delivery(call.public_id, "waiting", SAID)
        return call

    def delivery(self, call_id: str, status: str, body: str) -> None:
        row = self.make(
            Delivery, key=f"d-{call_id}", event="end-of-call-report", call_id=call_id, level="account", url="https://customer.example.org/",
            body=body, status=status, next_attempt_at=later() if status == "waiting" else None,
        )  # fmt: skip
        self.make(DeliveryAttempt, delivery=row, number=1, sent_at=db.now(), answer=SAID, error=f"refused {NUMBER}")

    def outbox(self) -> None:
        brand = Brand.objects.get(pk=self.organization.brand_id)
        for key, text in ((f"{self.calls[0].public_id}:end-of-call-report:a@example.com", "A report."), ("notice:1", SAID), ("notice:2", "Nothing.")):
            row = Message(organization_id=self.organization.pk, key=key, brand=brand, to="a@example.com", subject="S", text=text, html=text)
            row.save(force_insert=True)

    def campaigns(self) -> None:
        for status in ("scheduled", "completed"):
            campaign: Campaign = factories.make_campaign(self.organization, status=status)
            lead = factories.make_lead(campaign, phone_number=NUMBER)
            self.make(Attempt, lead=lead, campaign=campaign, number=1, call=self.calls[0], settled_at=db.now(), outcome="completed")
            factories.make_lead(campaign, variables={"partner": SAID})
        self.make(Upload, campaign=campaign, filename="new.csv", content=f"Phone,Name\n{NUMBER},Sam\n".encode())
        self.make(Upload, campaign=campaign, filename="old.csv", content=b"", imported_at=db.now(), bad_rows="Phone;Why\n061234567;short\n06 12345678;twice\n".encode("utf-8-sig"))


def later() -> dt.datetime:
    return db.now() + dt.timedelta(hours=1)


def scan(organization: Organization, *, text: str = "") -> list[str]:
    """Where NUMBER stands in any spelling, or `text`: `table.column` for every text, JSON, encrypted or binary column and
    every search index of every table that belongs to an organization."""
    mention, found = Mention(NUMBER), set()

    def is_in(value: Any) -> bool:
        return text.lower() in json.dumps(value).lower() if text else mention.is_in(value)

    with operator("a test looks everywhere"):
        for model in apps.get_models():
            if not any(field.attname == "organization_id" for field in model._meta.concrete_fields):
                continue
            vectors = [each.name for each in model._meta.concrete_fields if isinstance(each, SearchVectorField)]
            rows = model._default_manager.filter(organization_id=organization.pk)
            for row in rows.annotate(**{f"{name}_text": models.functions.Cast(name, models.TextField()) for name in vectors}):
                for field in model._meta.concrete_fields:
                    value = getattr(row, f"{field.name}_text") if field.name in vectors else getattr(row, field.attname)
                    if is_in(_plain(field, value)):
                        found.add(f"{model._meta.db_table}.{field.column}")
    return sorted(found)


def _plain(field: Any, value: Any) -> Any:
    if isinstance(field, models.BinaryField) and not isinstance(field, EncryptedTextField):
        return bytes(value or b"").decode("utf-8", "replace")
    return value if isinstance(value, str | dict | list | int) else str(value or "")
