"""The walk: every page and API operation, every method, as every stranger.

Each route needs a sample (`tests/samples.py`); a route without one fails the build. The owner must get an answer below 400
from each of them (what the walk never opens is not covered); everybody else must get exactly what a stranger gets for
something that does not exist. What is special about a route stands in `tests/routes.py`.
"""

from __future__ import annotations

from typing import Any

from django.test import Client, override_settings

from apps.organizations.models import ApiKey, Membership
from tests import factories
from tests.billing.selling import make_buyer, make_seller
from tests.cases import TenantCase
from tests.resend import Resend
from tests.routes import AGENCYS, OUTSIDE, OUTSIDE_PREFIXES, QUERY, SAYS_NOTHING, Route, path_of, routes
from tests.samples import Thing
from tests.stripe import StripeServer

SAFE = ("get", "head", "options")
METHODS = ("get", "post", "patch", "put", "delete")


class WalkTest(TenantCase):
    def setUp(self) -> None:
        resend = self.enterContext(Resend())
        self.enterContext(override_settings(RESEND_API_URL=resend.url))
        self.enterContext(override_settings(STRIPE_API_URL=self.enterContext(StripeServer()).url))
        for each in (self.agency, self.stranger):
            make_seller(each)
        make_buyer(self.client_org)
        for each in (self.client_org, self.agency, self.stranger):
            resend.account(f"re_{each.slug}")
        self.ours = Thing(self.client_org)
        self.theirs = Thing(self.stranger)
        factories.add_credits(self.agency, 100)
        factories.add_credits(self.stranger, 100)

    def own_routes(self) -> list[Route]:
        return [each for each in routes() if each.is_page or each.is_api or each.is_browsable]

    def test_every_route_is_known(self) -> None:
        unknown = [
            each.name or each.pattern
            for each in routes()
            if not (each.is_page or each.is_api or each.is_browsable)
            and each.name not in OUTSIDE
            and not each.name.startswith(OUTSIDE_PREFIXES)
            and not each.pattern.startswith(("admin/", "accounts/"))
        ]
        self.assertEqual(unknown, [])
        for each in self.own_routes():
            self.ours.sample(each)

    def test_the_owner_opens_every_page(self) -> None:
        """Every GET of Cleo's own pages, and every GET of her API, answers below 400."""
        self.agency.is_demo = True
        with self.acting_for(self.agency):
            self.agency.save()
        agency, ada = Thing(self.agency), self.as_(self.ada)
        cleo, key = self.as_(self.cleo), self.api(self.client_org)
        opened, wrong = 0, []
        for each in self.own_routes():
            thing, person = (agency, ada) if each.name in AGENCYS else (self.ours, cleo)
            path = path_of(each, thing.sample(each)) + QUERY.get(each.name, "")
            answer = key.client.get(path) if each.is_api else person.get(path)
            if answer.status_code == 405:
                continue
            opened += 1
            if answer.status_code >= 400:
                wrong.append(f"{each.name} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])
        print(f"\nwalk: {opened} pages and operations opened by their owner")
        self.assertGreater(opened, 80)

    def strangers(self) -> list[tuple[str, Client]]:
        child_of_other = factories.make_organization("Dove Child", parent=self.stranger)
        kid = factories.make_user("Kid")
        factories.make_member(child_of_other, kid, "owner")
        ended = factories.make_user("Ended", is_active=False)
        factories.make_member(self.client_org, ended, "owner")
        gone = factories.make_user("Gone")
        membership = factories.make_member(self.client_org, gone, "owner")
        with self.acting_for(self.client_org):
            Membership.objects.filter(pk=membership.pk).delete()
        return [("Dov", self.as_(self.dov)), ("Kid", self.as_(kid)), ("Gone", self.as_(gone))]

    def test_strangers_get_404_for_every_page_and_method(self) -> None:
        wrong, count = [], 0
        for name, browser in self.strangers():
            for each in self.own_routes():
                if each.is_api:
                    continue
                path = path_of(each, self.ours.sample(each))
                for method in METHODS:
                    answer = getattr(browser, method)(path)
                    count += 1
                    if answer.status_code != 404 or b"ecret-canary" in answer.content:
                        wrong.append(f"{name} {method} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])
        print(f"\nwalk: {count} requests of strangers answered 404")
        self.assertGreater(count, 1000)

    def test_nobody_signed_in_is_sent_to_sign_in(self) -> None:
        wrong = []
        for each in self.own_routes():
            if each.is_api:
                continue
            answer = Client().get(path_of(each, self.ours.sample(each)), headers={"accept": "text/html"})
            if answer.status_code != 302 or not answer["Location"].startswith("/accounts/login"):
                wrong.append(f"{each.name}: {answer.status_code}")
        self.assertEqual(wrong, [])

    def test_our_slug_with_their_ids_is_404(self) -> None:
        """Dov's own address with Cleo's rows in it: as absent as a random id, for every method."""
        dov, key = self.as_(self.dov), self.api(self.stranger)
        wrong, count = [], 0
        for each in self.own_routes():
            if not set(each.params) - {"org", "name"}:
                continue
            values = self.ours.sample(each) | ({"org": self.stranger.slug} if "org" in each.params else {})
            path = path_of(each, values)
            for method in METHODS:
                if each.is_api:
                    answer = (
                        getattr(key.client, method)(path, {}, content_type="application/json")
                        if method != "get"
                        else key.client.get(path)
                    )
                else:
                    answer = getattr(dov, method)(path)
                count += 1
                silent = each.name in SAYS_NOTHING and answer.status_code == 200
                if (answer.status_code not in (404, 405) and not silent) or b"ecret-canary" in answer.content:
                    wrong.append(f"{method} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])
        self.assertGreater(count, 100)

    def test_lists_never_show_a_strangers_rows(self) -> None:
        dov, key = self.as_(self.dov), self.api(self.stranger)
        wrong = []
        for each in self.own_routes():
            if set(each.params) - {"org"}:
                continue
            path = path_of(each, {"org": self.stranger.slug} if "org" in each.params else {})
            answer = key.client.get(path) if each.is_api else dov.get(path)
            shown = answer.content.decode()
            if any(
                str(pk) in shown
                for pk in (
                    self.ours.assistant.pk,
                    self.ours.number.pk,
                    self.ours.campaign.pk,
                    self.ours.call.public_id,
                    self.client_org.pk,
                )
            ):
                wrong.append(path)
        self.assertEqual(wrong, [])

    def test_bad_keys_get_401_for_every_operation(self) -> None:
        revoked = factories.make_key(self.client_org)
        with self.acting_for(self.client_org):
            ApiKey.objects.filter(prefix=revoked[:12]).update(revoked_at=factories.NOW)
        wrong = []
        for each in self.own_routes():
            if not each.is_api or each.name == "api_health":
                continue
            path = path_of(each, self.ours.sample(each))
            for header in ({}, {"authorization": "Bearer fl_live_wrong"}, {"authorization": f"Bearer {revoked}"}):
                for method in METHODS:
                    answer = getattr(Client(headers=header), method)(path)
                    if answer.status_code != 401 or answer["Content-Type"] != "application/json":
                        wrong.append(f"{method} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])

    def test_a_read_only_key_may_only_get(self) -> None:
        key = self.api(self.client_org, read_only=True)
        wrong = []
        for each in self.own_routes():
            if not each.is_api or each.name == "api_health":
                continue
            path = path_of(each, self.ours.sample(each))
            for method in ("post", "patch", "delete"):
                answer = getattr(key.client, method)(path, {}, content_type="application/json")
                if answer.status_code != 403:
                    wrong.append(f"{method} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])

    def test_a_viewer_changes_nothing(self) -> None:
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        browser = self.as_(viewer)
        wrong = []
        for each in self.own_routes():
            if each.is_api:
                continue
            answer = browser.post(path_of(each, self.ours.sample(each)), {})
            if answer.status_code < 400 and not (answer.status_code == 302 and _refused(answer)):
                wrong.append(f"{each.name}: {answer.status_code}")
        self.assertEqual(wrong, [])

    def test_the_agencys_people_reach_their_client(self) -> None:
        self.assertEqual(self.as_(self.ada).get(f"/o/{self.client_org.slug}/").status_code, 200)
        self.assertEqual(self.as_(self.cleo).get(f"/o/{self.agency.slug}/").status_code, 404)


def _refused(answer: Any) -> bool:
    """A form sent by a person without the right goes back to where it came from; nothing was changed."""
    return "/accounts/" not in answer["Location"] and bool(answer.wsgi_request._messages._queued_messages)
