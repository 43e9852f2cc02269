"""A number is found in every spelling, and nothing else is."""

from __future__ import annotations

from apps.calls.models import Call
from apps.core.mentions import ERASED, Mention
from tests import factories
from tests.cases import TenantCase

NUMBER = "+31612345678"
SPELLINGS = (
    "+31612345678", "31612345678", "0031612345678", "+31 6 12345678", "+31 (0)6 12 34 56 78", "+31-6-12345678", "06 12345678",
    "0612345678", "06-1234 5678", "06.12.34.56.78", "(06) 12345678", "tel:+31612345678", "sip:+31612345678@example.org",
    "+31\u00a06\u00a012345678", "Call 06 – 12 34 56 78, please.", "%2B31612345678",
)  # fmt: skip
OTHERS = (
    "+31612345679", "+316123456789", "10612345678", "612345678", "+32612345678", "2026-06-12 34:56:78", "", "1031612345678", "061234567",
)  # fmt: skip


class MentionTest(TenantCase):
    def test_every_spelling_and_no_other_number(self) -> None:
        mention = Mention(NUMBER)
        self.assertEqual([each for each in SPELLINGS if not mention.is_in(each)], [])
        self.assertEqual([each for each in OTHERS if mention.is_in(each)], [])

    def test_countries_without_a_trunk_prefix(self) -> None:
        mention = Mention("+12125550123")
        for each in ("(212) 555-0123", "+1 212 555 0123", "1-212-555-0123", "212.555.0123"):
            self.assertTrue(mention.is_in(each), each)
        self.assertFalse(mention.is_in("(212) 555-0124"))

    def test_a_country_code_that_does_not_exist(self) -> None:
        mention = Mention("+99912345678")
        self.assertEqual([mention.is_in(each) for each in ("+999 1234 5678", "0099912345678", "+99912345679")], [True, True, False])

    def test_json_at_any_depth(self) -> None:
        mention = Mention(NUMBER)
        value = {"a": [{"06-12345678": 1}, 31612345678, True, None, 7], "b": "Sam"}
        self.assertTrue(mention.is_in(value))
        self.assertEqual(mention.without(value), {"a": [{ERASED: 1}, ERASED, True, None, 7], "b": "Sam"})
        self.assertFalse(mention.is_in(mention.without(value)))

    def test_the_database_finds_the_same(self) -> None:
        mention = Mention(NUMBER)
        with self.acting_for(self.client_org):
            said = {text: factories.make_call(self.client_org, messages=[{"role": "user", "content": text}], summary=None).pk for text in (*SPELLINGS, *OTHERS)}
            found = set(mention.rows(Call.objects.all(), "messages", "summary").values_list("pk", flat=True))
        self.assertEqual([text for text, pk in said.items() if (pk in found) != (text in SPELLINGS)], [])
