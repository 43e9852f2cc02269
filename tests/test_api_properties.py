"""Two properties of every body: a valid one comes back as it was sent, and one with a single fault changes nothing.

PROPERTY_EXAMPLES asks for more examples of each kind and verb, PROPERTY_SEED for others; a failure is repeated by both.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from tests.cases import Api, TenantCase
from tests.properties.resources import Rows, resources
from tests.properties.shapes import GONE, Body, Resource, bodies, wrong_bodies
from tests.properties.values import same

VALID, INVALID = (int(os.environ.get("PROPERTY_EXAMPLES", default)) for default in ("8", "16"))
SEED = int(os.environ.get("PROPERTY_SEED", "1"))
TYPES = {"invalid_request", "missing_field", "invalid_value", "unknown_provider"}
# A failure is told as it was found: making it smaller would take minutes.
PHASES = (Phase.generate,)

pytestmark = pytest.mark.timeout(600 + 60 * (VALID + INVALID))


class PropertyCase(TenantCase):
    rows: Rows
    api_: Api

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        logging.disable(logging.WARNING)  # every refusal is one
        cls.addClassCleanup(logging.disable, logging.NOTSET)
        cls.rows = Rows.make(cls.agency)

    def setUp(self) -> None:
        self.api_ = self.api(self.agency)

    def every(self, examples: int, check: Callable[[Any], None]) -> None:
        """Run `check` with random draws. Each run leaves the database as it was, so that it can be repeated alone."""

        @settings(
            max_examples=examples, deadline=None, database=None, phases=PHASES, suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )  # fmt: skip
        @seed(SEED)
        @given(st.data())
        def run(data: st.DataObject) -> None:
            mark = transaction.savepoint()
            try:
                check(data.draw)
            finally:
                transaction.savepoint_rollback(mark)

        run()

    def send(self, verb: str, path: str, body: Any = None) -> Any:
        note(f"{verb} {path} {json.dumps(body)[:1500]}")
        answer = self.api_.get(path) if verb == "GET" else getattr(self.api_, verb.lower())(path, body)
        note(f"{answer.status_code} {answer.getvalue()[:500]!r}")
        return answer

    def ask(self, resource: Resource, verb: str, path: str, body: Body | None = None) -> Body:
        """What the answer says of the object; it must be a success."""
        answer = self.send(verb, path, body)
        self.assertEqual(answer.status_code, 201 if verb == "POST" else 200, answer.getvalue()[:1000])
        found = answer.json()
        content: Body = found[resource.envelope] if resource.envelope else found
        return content

    def look(self, resource: Resource, made: Body) -> Body:
        """The object as it is read, where it can be."""
        if resource.has_page:
            path = resource.path if "POST" not in resource.verbs else f"{resource.path}/{made['id']}"
            return self.ask(resource, "GET", path)
        path = resource.listed
        found = self.api_.get(path, {"contact_id": made["contact_id"]} if "contact_id" in made else None)
        lists = [value for value in json.loads(found.getvalue()).values() if isinstance(value, list)]
        return next(each for each in lists[0] if each["id"] == made["id"])

    def check_shown(self, resource: Resource, sent: Body, answer: Body, before: Body | None) -> None:
        known = {key: value for key, value in sent.items() if key in resource.fields}
        wanted = dict.fromkeys(sent.keys() - known.keys(), GONE) | resource.shows(known, before)
        for key, value in wanted.items():
            if value is GONE:
                self.assertNotIn(key, answer)
            else:
                self.assertTrue(same(value, answer.get(key)), f"{key}: {value!r} became {answer.get(key)!r}")


class ValidTest(PropertyCase):
    def test_what_was_sent_comes_back(self) -> None:
        self.count = 0
        for number, resource in enumerate(resources(self.rows)):
            with self.subTest(f"{number} {resource.path}"):
                self.every(VALID, lambda draw, resource=resource: self.round_trip(resource, draw))
        print(f"\nproperties: {self.count} valid bodies (seed {SEED})")

    def round_trip(self, resource: Resource, draw: Any) -> None:
        if "POST" in resource.verbs:
            body = resource.settle(draw(bodies(resource, "POST")), None)
            made = self.ask(resource, "POST", resource.path, body)
            self.check_shown(resource, body, made, None)
            self.count += 1
            self.assertTrue(same(made, self.look(resource, made)), "GET after POST")
        else:
            made = self.ask(resource, "GET", resource.path)
        if "PATCH" in resource.verbs:
            self.change(resource, made, draw)

    def change(self, resource: Resource, made: Body, draw: Any) -> None:
        body = resource.settle(draw(bodies(resource, "PATCH")), made)
        path = f"{resource.path}/{made['id']}" if "POST" in resource.verbs else resource.path
        changed = self.ask(resource, "PATCH", path, body)
        self.check_shown(resource, body, changed, made)
        self.count += 1
        free = {"updated_at", *body, *(name for key in body for name in resource.follows.get(key, ()))}
        kept = {key: value for key, value in made.items() if key not in free}
        for key in kept.keys() & changed.keys():
            self.assertTrue(same(kept[key], changed[key]), f"{key} was not sent: {kept[key]!r} became {changed[key]!r}")
        now = self.look(resource, made)
        self.assertTrue(same(now, now | changed), "GET after PATCH")
        again = self.ask(resource, "PATCH", path, now)
        for key, value in (now | again | {"updated_at": now.get("updated_at")}).items():
            self.assertTrue(same(now.get(key), value), f"{key} was sent as read: {now.get(key)!r} became {value!r}")


class InvalidTest(PropertyCase):
    def test_one_fault_is_refused_and_named(self) -> None:
        self.count = 0
        for number, resource in enumerate(resources(self.rows)):
            for verb in resource.verbs:
                with self.subTest(f"{number} {verb} {resource.path}"):
                    self.every(INVALID, lambda draw, resource=resource, verb=verb: self.refused(resource, verb, draw))
        print(f"\nproperties: {self.count} invalid bodies (seed {SEED})")

    def refused(self, resource: Resource, verb: str, draw: Any) -> None:
        path, before, made = resource.path, None, None
        if verb == "PATCH" and "POST" in resource.verbs:
            start = resource.settle(draw(bodies(resource, "POST", unknown=False)), None)
            made = self.ask(resource, "POST", path, start)
            path = f"{path}/{made['id']}"
        if verb == "PATCH":
            before = self.ask(resource, "GET", path)
        wrong = draw(wrong_bodies(resource, verb, before))
        count = self.rows_of(resource)
        answer = self.send(verb, path, wrong.body)
        self.assertEqual(answer.status_code, 400, f"{wrong.path}: {answer.getvalue()[:500]!r}")
        self.count += 1
        error = answer.json()
        for key in ("error", "message", "param"):
            self.assertTrue(isinstance(error.get(key), str) and error[key], f"{key} {error}")
        self.assertIn(error["type"], TYPES)
        self.assertTrue(error.get("details") and all(isinstance(each, str) and each for each in error["details"]), error)
        self.assertTrue(names(error["param"], wrong.path), f"{wrong.path} is wrong, {error['param']} is named: {error}")
        self.assertLessEqual(error.keys(), {"error", "message", "details", "type", "param"})
        self.assertEqual(self.rows_of(resource), count)
        if before is not None:
            self.assertTrue(same(before, self.ask(resource, "GET", path)), "changed all the same")

    def rows_of(self, resource: Resource) -> int:
        if not resource.model:
            return 0
        model = next(each for each in apps.get_models() if each.__name__ == resource.model)
        with self.acting_for(self.agency):
            found: int = model.objects.for_organization(self.agency).count()  # type: ignore[attr-defined]
            return found


def names(param: str, path: str) -> bool:
    """Whether `param` is the wrong field, something below it, or, for what is wrong deep inside, something on the way.
    What is wrong with one node of a workflow may first show at another."""
    if param.split(".")[0] != path.split(".")[0]:
        return False
    if path.startswith("definition."):
        return True
    return f"{param}.".startswith(f"{path}.") or f"{path}.".startswith(f"{param}.")
