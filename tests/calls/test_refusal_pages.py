"""The do-not-call list: its page, files in and out, what a client sees of its agency's, and the calling rules."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from apps.calls.models import CallingRules, DoNotCall, RefusalUpload
from apps.calls.opt_out_phrases import PHRASES
from apps.calls.refusals import refused_among
from apps.calls.services import refusal_files
from apps.core import db
from apps.core.spreadsheet import read_table
from apps.organizations.models import AuditEntry, Organization
from tests import factories
from tests.calls.support import scope_of
from tests.cases import TenantCase

SAM, KIM = "+31612345678", "+31687654321"


class ListCase(TenantCase):
    def url(self, name: str, *args: Any, organization: Organization | None = None) -> str:
        return reverse(name, args=[(organization or self.client_org).slug, *args])

    def get(self, name: str = "do_not_call", *args: Any, user: Any = None, **query: Any) -> Any:
        return self.as_(user or self.cleo).get(self.url(name, *args), query)

    def listed(self, organization: Organization | None = None) -> list[tuple[Any, ...]]:
        organization = organization or self.client_org
        with scope_of(organization):
            rows = DoNotCall.objects.for_organization(organization).order_by("id")
            return list(rows.values_list("phone_number", "source", "reason"))

    def refused(self, *numbers: str, organization: Organization | None = None) -> set[str]:
        organization = organization or self.client_org
        with scope_of(organization):
            return refused_among(organization, numbers, db.now())


class PageTest(ListCase):
    def test_what_an_entry_tells(self) -> None:
        call = factories.make_call(self.client_org, is_simulated=True)
        factories.make_refusal(self.client_org, SAM, reason="Told Ben", source="phrase", call_id=call.public_id)
        factories.make_refusal(self.client_org, KIM, expires_at=db.now() - dt.timedelta(days=1), call_id="call-gone")
        factories.make_refusal(self.stranger, "+31600000005", reason="Not yours")
        answer = self.get()
        for text in ("+31 6 12345678", "Told Ben", "Said in a call", self.url("call", call.public_id), "+31 6 87654321", "over", "for good"):
            self.assertContains(answer, text)
        for text in ("Not yours", "call-gone", "600000005"):
            self.assertNotContains(answer, text)

    def test_the_search_knows_national_spellings_reasons_and_sources(self) -> None:
        factories.make_refusal(self.client_org, SAM, reason="Told Ben", source="key")
        factories.make_refusal(self.client_org, KIM)
        for query in ({"q": "06 1234"}, {"q": "0612345678"}, {"q": "told"}, {"source": "key"}, {"q": "0031 6 12345678", "source": "key"}):
            answer = self.get(**query)
            self.assertContains(answer, "+31 6 12345678", msg_prefix=str(query))
            self.assertNotContains(answer, "+31 6 87654321", msg_prefix=str(query))
        self.assertContains(self.get(q="0699999999"), "No number matches")
        self.assertContains(self.get(source="nonsense", page="x"), "+31 6 87654321")

    def test_a_client_learns_of_one_number_that_its_agency_has_listed_it(self) -> None:
        factories.make_refusal(self.agency, SAM, reason="Agency secret")
        factories.make_refusal(self.agency, KIM, expires_at=db.now() - dt.timedelta(days=1))
        answer = self.get(q="06 12345678")
        self.assertContains(answer, "is on your agency's list")
        self.assertNotContains(answer, "Agency secret")
        for query in ({}, {"q": "1234567"}, {"q": "secret"}, {"q": "0687654321"}):
            self.assertNotContains(self.get(**query), "on your agency")
        self.assertNotContains(self.get(), "12345678")

    def test_an_erased_person_is_found_by_number_and_can_be_removed(self) -> None:
        row = factories.make_refusal(self.client_org, SAM, source="erasure")
        with scope_of(self.client_org):
            DoNotCall.objects.filter(pk=row.pk).update(phone_number=None)
        self.assertEqual(self.refused(SAM), {SAM})
        self.assertContains(self.get(), "Erased person")
        self.assertContains(self.get(q="06-12345678"), "Erased person")
        self.assertNotContains(self.get(q="06-12345679"), "Erased person")
        self.as_(self.cleo).post(self.url("do_not_call"), {"country": "NL", "phone_number": "0612345678", "reason": "again"})
        self.assertEqual(self.listed(), [(None, "erasure", "")])
        self.as_(self.cleo).post(self.url("do_not_call_remove", row.pk))
        self.assertEqual((self.listed(), self.refused(SAM)), ([], set()))

    def test_the_number_of_queries_does_not_grow_with_the_rows(self) -> None:
        for count in (1, 3):
            while len(self.listed()) < count:
                call = factories.make_call(self.client_org)
                factories.make_refusal(self.client_org, f"+3161234567{len(self.listed())}", call_id=call.public_id)
            browser = self.as_(self.cleo)
            with self.assertNumQueries(24):
                self.assertEqual(browser.get(self.url("do_not_call")).status_code, 200)

    def test_pages(self) -> None:
        for each in range(51):
            factories.make_refusal(self.client_org, f"+316123450{each:02d}")
        self.assertContains(self.get(), "1–50 of 51")
        self.assertContains(self.get(page=2), "51–51 of 51")
        self.assertContains(self.get(page=99), "51–51 of 51")


class FileTest(ListCase):
    def upload(self, content: bytes | str, *, name: str = "robinson.csv", country: str = "NL") -> Any:
        data = content.encode() if isinstance(content, str) else content
        files = {"file": SimpleUploadedFile(name, data), "country": country}
        return self.as_(self.cleo).post(self.url("do_not_call_import"), files, follow=True)

    def stored(self) -> RefusalUpload:
        with scope_of(self.client_org):
            return RefusalUpload.objects.for_organization(self.client_org).latest("created_at")  # type: ignore[return-value]

    def test_good_rows_are_listed_and_bad_ones_come_back(self) -> None:
        factories.make_refusal(self.client_org, KIM, reason="Before")
        text = (
            "Telefoon;Reden;Datum\n06 12345678;Per post;2025-03-04\n+49 30 23125001;;05.04.2025 13:30\n0687654321;Nieuw;\n"
            "06;Te kort;\n\n0612345678;Dubbel;\n0031612345670;=1+1;not a day\n"
        )
        answer = self.upload(text)
        self.assertContains(answer, "3 numbers put on the list, 1 was on it already, 2 rows refused")
        self.assertEqual(self.listed(), [
            (KIM, "page", "Before"), (SAM, "import", "Per post"), ("+493023125001", "import", ""), ("+31612345670", "import", "=1+1"),
        ])  # fmt: skip
        with scope_of(self.client_org):
            dates = dict(DoNotCall.objects.for_organization(self.client_org).values_list("phone_number", "listed_at"))
            audit = AuditEntry.objects.get(action="do_not_call.import")
        self.assertEqual(dates[SAM], dt.datetime(2025, 3, 3, 23, tzinfo=dt.UTC))
        self.assertEqual(dates["+493023125001"], dt.datetime(2025, 4, 5, 11, 30, tzinfo=dt.UTC))
        self.assertLess(db.now() - dates["+31612345670"], dt.timedelta(minutes=1))
        self.assertEqual((audit.target, audit.data), ("robinson.csv", {"rows": 6}))
        self.assertContains(self.get(), "robinson.csv")
        bad = self.get("do_not_call_bad_rows", self.stored().pk)
        table = read_table(bad.content)
        self.assertEqual(table.header, ["Telefoon", "Reden", "Datum", "Why this row was not imported"])
        rows = [row.cells for row in table.rows]
        self.assertEqual([row[:2] for row in rows], [["06", "Te kort"], ["0612345678", "Dubbel"]])
        self.assertEqual(rows[1][3], "The same number as in row 2.")
        self.assertEqual(bytes(self.stored().content), b"")

    def test_corrected_rows_are_uploaded_as_they_came_back(self) -> None:
        self.upload("Phone,Reason\n06,short\n")
        with scope_of(self.client_org):
            again = bytes(self.stored().bad_rows or b"").replace(b"06", b"0612345678")
        self.assertContains(self.upload(again), "1 number put on the list")
        self.assertEqual(self.listed(), [(SAM, "import", "short")])

    def test_a_workbook_in_another_country(self) -> None:
        book, out = Workbook(), io.BytesIO()
        for row in (["Rufnummer", "Grund"], ["030 23125001", "Brief"], [4930231250, ""]):
            book.active.append(row)
        book.save(out)
        self.upload(out.getvalue(), name="sperrliste.xlsx", country="DE")
        self.assertEqual(self.listed()[0], ("+493023125001", "import", "Brief"))

    def test_a_number_that_the_chosen_country_does_not_have_is_no_protection(self) -> None:
        self.assertContains(self.upload("Phone\n0612345678\n+447700900001\n", country="GB"), "1 number put on the list, 1 row refused")
        self.assertEqual([row[0] for row in self.listed()], ["+447700900001"])
        self.assertIn("Check the country", bytes(self.stored().bad_rows or b"").decode())

    def test_what_is_no_list_is_refused_with_the_reason(self) -> None:
        for content, words in (("", "empty"), ("Name;City\nSam;Utrecht\n", "No column holds phone numbers"), ("%PDF-1.7 x", "neither a CSV")):
            answer = self.upload(content)
            self.assertEqual(answer.status_code, 422, content)
            self.assertContains(answer, words, status_code=422)
        self.assertEqual(self.as_(self.cleo).post(self.url("do_not_call_import"), {"country": "NL"}).status_code, 422)
        self.assertEqual(self.listed(), [])

    def test_a_time_that_is_over_begins_anew(self) -> None:
        factories.make_refusal(self.client_org, SAM, expires_at=db.now() - dt.timedelta(days=1))
        self.assertEqual(self.refused(SAM), set())
        self.assertContains(self.upload("Phone\n0612345678\n"), "1 number put on the list")
        self.assertEqual(self.refused(SAM), {SAM})

    def test_an_erased_person_stays_listed_without_her_number(self) -> None:
        row = factories.make_refusal(self.client_org, SAM, source="erasure")
        with scope_of(self.client_org):
            DoNotCall.objects.filter(pk=row.pk).update(phone_number=None)
        self.assertContains(self.upload("Phone\n0612345678\n"), "0 numbers put on the list, 1 was on it already")
        self.assertEqual(self.listed(), [(None, "erasure", "")])

    def test_a_large_file_goes_on_where_a_worker_died(self) -> None:
        text = "Phone\n" + "".join(f"+3161{each:07d}\n" for each in range(2500)) + "bad\n"
        with mock.patch("apps.calls.views_refusal_import.wake") as woken:
            answer = self.upload(text)
        self.assertContains(answer, "0 of 2,501 rows read")
        self.assertEqual(self.listed(), [])
        upload, now = self.stored(), db.now()
        self.assertEqual(woken.call_args.args[1:], (str(self.client_org.pk), str(upload.pk)))
        run = {"organization_id": self.client_org.pk, "upload_id": upload.pk}
        with scope_of(self.client_org):
            dies = mock.patch.object(refusal_files, "_finish", side_effect=KeyboardInterrupt)
            with mock.patch.object(refusal_files, "BATCH", 1000), dies, pytest.raises(KeyboardInterrupt):
                refusal_files.run_import(**run, now=now)
            self.assertEqual(len(self.listed()), 2500)
            self.assertFalse(refusal_files.run_import(**run, now=now))  # somebody else's, for half a minute
        later = db.now() + dt.timedelta(seconds=31)
        self.assertEqual(refusal_files.imports_to_do(later), [(self.client_org.pk, upload.pk)])
        with scope_of(self.client_org):
            self.assertTrue(refusal_files.run_import(**run, now=later))
            self.assertFalse(refusal_files.run_import(**run, now=later))
            upload.refresh_from_db()
            self.assertEqual((upload.good, upload.known, upload.bad), (2500, 0, 1))
            self.assertEqual((upload.job.status, upload.job.done, upload.job.total), ("done", 2501, 2501))
        self.assertEqual(refusal_files.imports_to_do(later), [])

    def test_the_export_is_inert_and_comes_back_as_it_went(self) -> None:
        call = factories.make_call(self.client_org)
        until = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
        factories.make_refusal(self.client_org, SAM, reason="=HYPERLINK(1)", source="tool", call_id=call.public_id, listed_at=factories.NOW)
        factories.make_refusal(self.client_org, KIM, reason="@SUM", expires_at=until, listed_at=factories.NOW - dt.timedelta(days=1))
        factories.make_refusal(self.stranger, "+31600000005")
        answer = self.get("do_not_call_export")
        text = answer.content.decode("utf-8-sig")
        self.assertEqual(text.splitlines(), [
            "Phone number,Reason,Source,Date,Until,File,Call",
            f"'{SAM},'=HYPERLINK(1),Asked for in a call,2026-11-18T10:00:00+00:00,,,{call.public_id}",
            f"'{KIM},'@SUM,Entered by hand,2026-11-17T10:00:00+00:00,2027-01-01T00:00:00+00:00,,",
        ])  # fmt: skip
        with scope_of(self.client_org):
            DoNotCall.objects.for_organization(self.client_org).delete()
        self.upload(answer.content)
        self.assertEqual(self.listed(), [(SAM, "import", "=HYPERLINK(1)"), (KIM, "import", "@SUM")])
        with scope_of(self.client_org):
            self.assertEqual(DoNotCall.objects.get(phone_number=SAM).listed_at, factories.NOW)

    def test_who_only_looks_neither_imports_nor_exports(self) -> None:
        vera = factories.make_user("Vera")
        factories.make_member(self.client_org, vera, "viewer")
        for name in ("do_not_call_import", "do_not_call_export", "calling_rules"):
            self.assertEqual(self.get(name, user=vera).status_code, 403, name)
        self.assertEqual(self.get(user=vera).status_code, 200)


class RulesTest(ListCase):
    def post(self, **fields: Any) -> Any:
        values = {"min_gap_minutes": "30", "number_attempts": "3", "number_days": "7", "opt_out_key": "9", "version": "1"}
        phrases = {f"phrases_{language}": "\n".join(shipped) for language, shipped in PHRASES.items()}
        return self.as_(self.cleo).post(self.url("calling_rules"), values | phrases | fields)

    def rules(self) -> CallingRules | None:
        with scope_of(self.client_org):
            return CallingRules.objects.for_organization(self.client_org).first()  # type: ignore[return-value]

    def test_the_defaults_are_shown_and_nothing_is_stored(self) -> None:
        answer = self.get("calling_rules")
        for text in ('value="5"', 'value="10"', 'value="1"', "stop calling", "bel me niet meer", "rufen sie mich nicht mehr an"):
            self.assertContains(answer, text)
        self.assertIsNone(self.rules())

    def test_what_is_saved_holds(self) -> None:
        self.assertRedirects(self.post(phrases_en=" No  more\n\nno more\nNo more\n", phrases_de=""), self.url("calling_rules"))
        rules = self.rules()
        assert rules is not None
        self.assertEqual((rules.min_gap_minutes, rules.number_attempts, rules.number_days, rules.opt_out_key), (30, 3, 7, "9"))
        self.assertEqual((rules.opt_out_phrases, rules.version), ({"en": ["No more", "no more"], "de": []}, 2))
        with scope_of(self.client_org):
            self.assertEqual(AuditEntry.objects.get(action="calling_rules.change").data["opt_out_key"], "9")
        self.post(version="2")
        rules = self.rules()
        assert rules is not None
        self.assertIsNone(rules.opt_out_phrases)

    def test_what_cannot_be_is_refused_and_stays_typed(self) -> None:
        wrong = ({"min_gap_minutes": "-1"}, {"number_attempts": "0"}, {"number_days": "91"}, {"opt_out_key": "x"},
                 {"phrases_nl": "nee"}, {"phrases_nl": "x" * 101}, {"phrases_en": "\n".join(f"phrase {n}" for n in range(201))})  # fmt: skip
        for fields in wrong:
            answer = self.post(**fields)
            self.assertEqual(answer.status_code, 422, fields)
            self.assertContains(answer, next(iter(fields.values())).splitlines()[0], status_code=422)
        self.assertIsNone(self.rules())

    def test_a_stale_form_is_refused_and_then_saved(self) -> None:
        self.post()
        answer = self.post(min_gap_minutes="99")
        self.assertEqual(answer.status_code, 409)
        self.assertContains(answer, 'name="version" value="2"', status_code=409)
        self.assertContains(answer, 'value="99"', status_code=409)
        self.post(min_gap_minutes="99", version="2")
        rules = self.rules()
        assert rules is not None
        self.assertEqual((rules.min_gap_minutes, rules.version), (99, 3))
