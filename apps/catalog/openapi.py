"""Provider keys and the sender domain as the API's description shows them (api 8.8, 8.9)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from apps.catalog.providers import key_slots
from apps.core.openapi import (
    EXAMPLE_ID,
    EXAMPLE_TIME,
    Schema,
    anything,
    array,
    boolean,
    integer,
    moment,
    optional,
    record,
    ref,
    text,
    uuid,
)

SLOT = text("The slot of the key.", enum=list(key_slots()), examples=["openai"])
STORED = anything("Provider to its settings.", examples=[{"google_vertex": {"location": "europe-west4"}}])
RECORD = {
    "record": "SPF", "name": "send", "type": "MX", "ttl": "Auto", "status": "not_started",
    "value": "feedback-smtp.eu-west-1.amazonses.com", "priority": 10,
}  # fmt: skip
STATUS = text("`not_started`, `pending`, `verified`, `failed`; more may come.", examples=["pending"])
SCHEMAS: dict[str, Schema] = {
    "ByokKeys": record(
        {field: uuid(f"The key in the slot `{slot}`.", null=True) for slot, field in key_slots().items()},
        description="An opaque id for each slot that holds a key, else null. The key never comes back.",
    ),
    "ByokKeySet": record(
        {
            "provider": SLOT,
            "api_key": text(
                "The key; for `google_vertex` the JSON of the service account, as text.", minLength=1, maxLength=16384,
                writeOnly=True, examples=["a-key-of-the-provider"],
            ),
        },
        examples=[{"provider": "openai", "api_key": "a-key-of-the-provider"}],
    ),
    "ByokKeyDelete": record({"provider": SLOT}, required=[], description="Or `provider` in the query."),
    "ByokProvider": record(
        {
            "id": text(examples=["openai"]),
            "name": text(examples=["OpenAI"]),
            "category": text("What it does.", enum=["llm", "stt", "tts", "email"]),
            "docsUrl": text(format="uri", examples=["https://platform.openai.com/docs"]),
            "models": array(
                record({"id": text(examples=["gpt-5.4"]), "name": text(examples=["gpt-5.4"]), "default": boolean()})
            ),
        }
    ),
    "ByokConfigSet": record(
        {
            "provider": text("A slot, or a provider of the catalogue.", examples=["google_vertex"]),
            "config": anything("At most 16 KiB.", examples=[{"location": "europe-west4"}]),
        },
        examples=[{"provider": "google_vertex", "config": {"location": "europe-west4"}}],
    ),
    "ByokConfigAnswer": record({"byok_config": STORED}),
    "DomainRecord": record(
        {
            "record": text("What it is for.", examples=["SPF"]), "name": text(examples=["send"]),
            "type": text(examples=["MX"]), "ttl": text(examples=["Auto"]), "status": text(examples=["not_started"]),
            "value": text(examples=[RECORD["value"]]), "priority": integer(null=True, examples=[10]),
        },
        description="A DNS record to set.",
    ),
    "Domain": record(
        {
            "id": uuid(),
            "org_id": uuid("Your organization."),
            "domain_name": text(examples=["mail.example.org"]),
            "resend_domain_id": text("Its id at Resend.", null=True, examples=["d91cd9bd-1176-453e-8fc1-35364d380206"]),
            "status": STATUS,
            "region": text(examples=["eu-west-1"]),
            "records": array(ref("DomainRecord"), null=True),
            "verified_at": moment(null=True, examples=[None]),
            "created_at": moment(),
            "updated_at": moment(),
        }
    ),
    "DomainCreate": record(
        {
            "domain_name": text("A full domain name.", maxLength=253, examples=["mail.example.org"]),
            "domain": text("The older spelling of `domain_name`.", maxLength=253, deprecated=True),
        },
        required=["domain_name"],
        examples=[{"domain_name": "mail.example.org"}],
    ),
    "DomainSync": record(
        {
            "resendDomainId": text("Its id at Resend.", minLength=1, maxLength=100),
            "domain_id": text("The older spelling of `resendDomainId`.", maxLength=100, deprecated=True),
        },
        required=["resendDomainId"],
        examples=[{"resendDomainId": "d91cd9bd-1176-453e-8fc1-35364d380206"}],
    ),
    "ResendDomain": record(
        {
            "id": text(examples=["d91cd9bd-1176-453e-8fc1-35364d380206"]), "name": text(examples=["mail.example.org"]),
            "status": STATUS, "region": text(examples=["eu-west-1"]),
        }
    ),
}  # fmt: skip


def _mirrors(*, null: bool) -> dict[str, Schema]:
    about = "The same as in `domain`, for older readers."
    return {
        "id": uuid(about, null=null, examples=[EXAMPLE_ID]), "org_id": uuid(about, null=null, examples=[EXAMPLE_ID]),
        "domain_name": text(about, null=null, examples=["mail.example.org"]),
        "status": text(about, null=null, examples=["pending"]), "verified": boolean("Whether `status` is `verified`."),
        "created_at": moment(about, null=null, examples=[EXAMPLE_TIME]),
    }  # fmt: skip


BYOK_PROVIDER = OpenApiParameter("provider", SLOT, description="The slot, in place of the body.")
BYOK_KEYS_ANSWER = record({"byok_keys": ref("ByokKeys")})
BYOK_STORED = record({"success": boolean(enum=[True]), "byok_keys": ref("ByokKeys")})
BYOK_CONFIG_ANSWER = record({"providers": array(ref("ByokProvider")), "byok_config": STORED})
DOMAIN_ANSWER = record({"domain": ref("Domain"), **_mirrors(null=False)})
MAYBE_DOMAIN_ANSWER = record({"domain": optional("Domain"), **_mirrors(null=True)})
DOMAIN_LIST_ANSWER = record(
    {"domains": array(ref("ResendDomain")), "selected_domain_id": text("Its id at Resend.", null=True, examples=[None])}
)
DOMAIN_SYNCED = record(
    {"domain": ref("Domain"), "message": text(examples=["Domain synced successfully from Resend"]), "success": boolean(enum=[True])}
)
DOMAIN_VERIFIED = record({"domain": ref("Domain"), "verified": boolean()})


def describe(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: these schemas join the others."""
    result["components"].setdefault("schemas", {}).update(SCHEMAS)
    return result
