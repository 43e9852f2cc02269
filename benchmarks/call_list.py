"""GET /api/v1/calls?limit=50 through every middleware, against the same page as JSON straight from PostgreSQL."""

from __future__ import annotations

from django.db import connection
from uuid_utils.compat import uuid7

from apps.calls.models import Call
from apps.core.scope import Scope, acting
from benchmarks.measure import interleaved, line, seconds
from tests import factories
from tests.cases import Api

ROWS, PAGES = 20_000, 30
SQL = """
    SELECT json_agg(page) FROM (
        SELECT id, public_id, other_number, own_number, status, direction, end_reason, error, started_at, ended_at,
            duration_seconds, summary, analysis_result, messages, assistant_id, assistant_name, business_name, number_id,
            metadata, reference, created_at, updated_at
        FROM calls_call WHERE organization_id = %s ORDER BY created_at DESC, id DESC LIMIT 50) page
"""


def run() -> str:
    organization = factories.make_organization(f"List {uuid7()}")
    example = factories.make_call(organization)
    with acting(Scope((organization.pk,))):
        Call.objects.bulk_create(
            Call(
                organization=organization, direction="inbound", status="ended", key=f"bench:{n}", own_number="+31850000001",
                other_number="+31600000001", duration_seconds=84, summary=example.summary, messages=example.messages,
            )
            for n in range(ROWS)
        )  # fmt: skip
    api = Api(organization)
    limit, ours = interleaved(lambda: _sql(organization), lambda: _api(api))
    return line("calls page of 50, in process", ours, limit, "ms", at_most=10)


def _sql(organization: object) -> float:
    def work() -> None:
        for _page in range(PAGES):
            with connection.cursor() as cursor:
                cursor.execute(SQL, (organization.pk,))
                cursor.fetchone()

    with acting(Scope((organization.pk,))):
        return seconds(work) / PAGES * 1000


def _api(api: Api) -> float:
    def work() -> None:
        for _page in range(PAGES):
            assert api.get("/calls", {"limit": "50"}).status_code == 200

    return seconds(work) / PAGES * 1000
