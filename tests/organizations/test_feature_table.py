"""Every page and operation is decided: it needs something to be switched on, or is always there; and that is what happens."""

from __future__ import annotations

from typing import Any

from apps.core import db
from apps.organizations.feature_table import OPERATIONS, PAGES, needed
from apps.organizations.features import ALL, FEATURES, closed
from apps.organizations.models import Limits, Organization
from apps.organizations.services import SYSTEM
from apps.portal.services.plans import set_exceptions
from tests import factories
from tests.cases import TenantCase
from tests.routes import AGENCYS, QUERY, path_of, routes
from tests.samples import Thing


def own_routes() -> list[Any]:
    return [each for each in routes() if each.is_page or each.is_api or each.is_browsable]


def clients_routes() -> list[Any]:
    """Without those that only an agency has."""
    agencys = tuple(f"o/<slug:org>/{name}" for name in ("portal", "clients", "sales", "library", "sign-ups"))
    return [each for each in own_routes() if each.name not in AGENCYS and not each.pattern.startswith(agencys)]


class TableTest(TenantCase):
    def test_every_route_is_decided(self) -> None:
        """A new address stops the build until somebody says what it needs."""
        undecided = [
            f"{each.name} {each.pattern}"
            for each in own_routes()
            for changes in (False, True)
            if needed(each.pattern, changes=changes) is None
        ]
        self.assertEqual(undecided, [])

    def test_the_table_names_features_and_addresses_that_exist(self) -> None:
        known = {each.pattern.removeprefix("o/<slug:org>").removeprefix("/") for each in own_routes()}
        for prefix, rule in [*PAGES.items(), *((f"api/v1/{path}", rule) for path, rule in OPERATIONS.items())]:
            self.assertTrue(any(route == prefix or route.startswith(f"{prefix}/") for route in known), prefix)
            for text in (rule,) if isinstance(rule, str) else rule:
                self.assertLessEqual(set(filter(None, text.split("+"))), set(FEATURES), prefix)

    def test_every_feature_opens_something(self) -> None:
        """But those that stand inside a page: what is written in it, and widgets, which have pages of their own."""
        rules = [text for rule in [*PAGES.values(), *OPERATIONS.values()] for text in ((rule,) if isinstance(rule, str) else rule)]
        named = {name for text in rules for name in text.split("+")}
        self.assertLessEqual(set(FEATURES) - named - {"api_keys"}, {"embeds"})


class SwitchCase(TenantCase):
    def switch(self, *features: str, organization: Organization | None = None) -> None:
        client = organization or self.client_org
        set_exceptions(client=client, limits={}, features=closed(features), by=SYSTEM, now=db.now())

    def without(self, name: str) -> None:
        self.switch(*(ALL - {name}))


class WalkTest(SwitchCase):
    def refused(self, chosen: list[Any], send: Any) -> None:
        """Looking and changing, at each of these routes: 403 with the name of something that it lacks."""
        thing = Thing(self.client_org)
        self.switch("api_keys")
        wrong, count = [], 0
        for each in chosen:
            path = path_of(each, thing.sample(each)) + QUERY.get(each.name, "")
            for method in ("get", "post"):
                lacks = [name for name in needed(each.pattern, changes=method == "post") or () if name != "api_keys"]
                if not lacks:
                    continue
                count += 1
                answer = send(method, path)
                named = each.is_page or answer.json().get("feature") in lacks
                if answer.status_code != 403 or not named:
                    wrong.append(f"{method} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])
        self.assertGreater(count, 40)
        print(f"\nswitches: {count} requests to what is switched off refused")

    def test_pages_that_are_off_are_refused(self) -> None:
        cleo = self.as_(self.cleo)
        self.refused([each for each in clients_routes() if each.is_page], lambda method, path: getattr(cleo, method)(path))

    def test_operations_that_are_off_are_refused(self) -> None:
        key = self.api(self.client_org).client
        self.refused([each for each in clients_routes() if each.is_api], lambda method, path: getattr(key, method)(path))

    def test_operations_in_the_browser_too(self) -> None:
        cleo, json = self.as_(self.cleo), {"accept": "application/json"}
        chosen = [each for each in clients_routes() if each.is_browsable]
        self.refused(chosen, lambda method, path: getattr(cleo, method)(path, headers=json))

    def test_what_is_open_stays_open_with_everything_off(self) -> None:
        thing = Thing(self.client_org)
        self.switch()
        cleo, wrong, opened = self.as_(self.cleo), [], 0
        for each in clients_routes():
            if not each.is_page or needed(each.pattern, changes=False):
                continue
            answer = cleo.get(path_of(each, thing.sample(each)) + QUERY.get(each.name, ""))
            opened += answer.status_code != 405
            if answer.status_code in (401, 403) or answer.status_code >= 500:
                wrong.append(f"{each.name}: {answer.status_code}")
        self.assertEqual(wrong, [])
        self.assertGreater(opened, 15)

    def test_no_page_links_to_what_is_off(self) -> None:
        thing = Thing(self.client_org)
        self.switch()
        cleo, wrong = self.as_(self.cleo), []
        off = [
            path_of(each, thing.sample(each))
            for each in clients_routes()
            if each.is_page and needed(each.pattern, changes=False)
        ]
        for path in ("", "calls", "settings", "usage", "settings/audit", "settings/privacy", "help", "do-not-call", f"calls/{thing.call.public_id}"):
            page = cleo.get(f"/o/{self.client_org.slug}/{path}").content.decode()
            wrong += [f"{path}: {each}" for each in off if f'"{each}"' in page]
        self.assertEqual(wrong, [])


class KeysTest(SwitchCase):
    def test_keys_are_as_good_as_the_switch(self) -> None:
        key = self.api(self.client_org)
        self.without("api_keys")
        answer = key.get("/assistants")
        self.assertEqual((answer.status_code, answer.json()["feature"]), (403, "api_keys"))
        self.assertIn("API keys", answer.json()["message"])
        self.assertEqual(self.as_(self.cleo).get(f"/o/{self.client_org.slug}/api/v1/assistants").status_code, 403)
        self.assertEqual(self.api(self.agency).get("/assistants").status_code, 200)


class AgencyTest(SwitchCase):
    def test_the_agencys_people_are_not_bound(self) -> None:
        self.switch()
        campaign = factories.make_campaign(self.client_org)
        page = self.as_(self.ada).get(f"/o/{self.client_org.slug}/campaigns/{campaign.pk}")
        self.assertEqual(page.status_code, 200)
        self.assertEqual(self.as_(self.cleo).get(f"/o/{self.client_org.slug}/campaigns/{campaign.pk}").status_code, 403)

    def test_navigation_and_palette_show_what_is_on(self) -> None:
        factories.make_campaign(self.client_org, name="Spring drive")
        factories.make_assistant(self.client_org, name="Spring desk")
        self.switch("assistants")
        cleo = self.as_(self.cleo)
        page = cleo.get(f"/o/{self.client_org.slug}/")
        self.assertContains(page, f"/o/{self.client_org.slug}/assistants")
        for name in ("campaigns", "numbers", "trunks", "workflows", "webhooks", "mcp-servers"):
            self.assertNotContains(page, f'"/o/{self.client_org.slug}/{name}"')
        found = cleo.get(f"/o/{self.client_org.slug}/palette?q=Spring")
        self.assertContains(found, "Spring desk")
        self.assertNotContains(found, "Spring drive")

    def test_a_client_without_limits_has_everything(self) -> None:
        with self.acting_for(self.client_org):
            self.assertFalse(Limits.objects.for_organization(self.client_org).exists())
        self.assertEqual(self.as_(self.cleo).get(f"/o/{self.client_org.slug}/workflows").status_code, 200)
