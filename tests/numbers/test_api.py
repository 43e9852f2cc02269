"""Numbers and SIP trunks on the wire."""

from __future__ import annotations

from tests import factories
from tests.cases import TenantCase


class NumberApiTest(TenantCase):
    def setUp(self) -> None:
        self.cleo_api = self.api(self.client_org)

    def test_a_number_is_registered_once_in_the_installation(self) -> None:
        made = self.cleo_api.post("/numbers", {"number": "+31 85 000-0001", "name": "Main line"})
        self.assertEqual(made.status_code, 201)
        self.assertEqual(made.json()["number"]["phone_number"], "+31850000001")
        again = self.api(self.stranger).post("/numbers", {"phone_number": "+31850000001"})
        self.assertEqual(
            (again.status_code, again.json()["type"], again.json()["param"]), (409, "already_exists", "phone_number")
        )

    def test_national_numbers_are_refused(self) -> None:
        answer = self.cleo_api.post("/numbers", {"phone_number": "0850000001"})
        self.assertEqual((answer.status_code, answer.json()["param"]), (400, "phone_number"))

    def test_a_trunk_of_the_agency_or_of_another_client_is_400_and_not_listed(self) -> None:
        sibling = factories.make_organization("Visser Garage", parent=self.agency)
        number = factories.make_number(self.client_org)
        for owner in (self.agency, sibling, self.stranger):
            trunk = factories.make_trunk(owner, name="Theirs")
            for answer in (
                self.cleo_api.post("/numbers", {"phone_number": "+31201234567", "transfer_trunk_id": str(trunk.pk)}),
                self.cleo_api.patch(f"/numbers/{number.pk}", {"transfer_trunk_id": str(trunk.pk)}),
            ):
                self.assertEqual((answer.status_code, answer.json()["param"]), (400, "transfer_trunk_id"))
                self.assertNotIn("Theirs", answer.content.decode())
        self.assertEqual(self.cleo_api.get("/sip-trunks").json(), {"trunks": []})

    def test_somebody_elses_assistant_or_trunk_is_400(self) -> None:
        theirs = factories.make_assistant(self.stranger)
        trunk = factories.make_trunk(self.stranger)
        for field, row in (("assistant_id", theirs), ("agent_id", theirs), ("transfer_trunk_id", trunk)):
            answer = self.cleo_api.post("/numbers", {"phone_number": "+31850000002", field: str(row.pk)})
            self.assertEqual((answer.status_code, answer.json()["param"]), (400, field))

    def test_assistant_id_wins_and_both_spellings_come_back(self) -> None:
        first, second = factories.make_assistant(self.client_org), factories.make_assistant(self.client_org)
        body = {"phone_number": "+31850000003", "assistant_id": str(first.pk), "agent_id": str(second.pk)}
        number = self.cleo_api.post("/numbers", body).json()["number"]
        self.assertEqual(
            (number["assistant_id"], number["agent_id"], number["agent_name"]),
            (str(first.pk), str(first.pk), first.name),
        )

    def test_an_empty_patch_changes_nothing(self) -> None:
        number = self.cleo_api.post("/numbers", {"phone_number": "+31850000004"}).json()["number"]
        self.assertEqual(self.cleo_api.patch(f"/numbers/{number['id']}", {}).json()["number"], number)
        self.assertEqual(
            self.cleo_api.patch(f"/numbers/{number['id']}", {"workflow_id": None}).json()["number"], number
        )

    def test_a_trunk_never_shows_its_password(self) -> None:
        body = {"name": "PBX", "host": "sip.example.com", "port": 5061, "username": "u", "password": "s3cret-canary"}
        answer = self.cleo_api.post("/sip-trunks", body)
        self.assertEqual(answer.status_code, 201)
        self.assertNotIn("s3cret-canary", answer.content.decode())
        trunk = answer.json()["trunk"]
        self.assertEqual(
            (trunk["address"], trunk["outbound_address"], trunk["auth_username"], trunk["provider"]),
            ("sip.example.com:5061", "sip.example.com:5061", "u", ""),
        )

    def test_an_error_names_the_spelling_that_was_sent(self) -> None:
        for name, value in (("password", 7), ("username", 7), ("outbound_address", []), ("host", {}), ("port", 70_000), ("port", "a")):
            answer = self.cleo_api.post("/sip-trunks", {"name": "PBX", "host": "sip.example.com"} | {name: value})
            self.assertEqual((answer.status_code, answer.json().get("param")), (400, name), value)

    def test_deleting_a_trunk_keeps_its_numbers(self) -> None:
        trunk = factories.make_trunk(self.client_org)
        number = factories.make_number(self.client_org, transfer_trunk=trunk)
        self.assertEqual(self.cleo_api.delete(f"/sip-trunks/{trunk.pk}").json(), {"success": True})
        self.assertIsNone(self.cleo_api.get(f"/numbers/{number.pk}").json()["number"]["transfer_trunk_id"])
