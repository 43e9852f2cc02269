"""The API's description is valid, true in its examples, complete, and wears the host's brand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import drf_spectacular.validation
from django.test import Client, SimpleTestCase
from jsonschema import Draft202012Validator, FormatChecker

from apps.core.browsable import ALIASES
from apps.core.openapi_document import base_document
from apps.core.openapi_finish import METHODS, RENAMED
from tests import factories
from tests.cases import TenantCase
from tests.routes import Route, routes

META = Path(drf_spectacular.validation.__file__).parent / "openapi_3_1_schema.json"


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def documented_path(route: Route) -> str:
    path = "/" + route.pattern
    for param in route.params:
        for converter in ("uuid", "str"):
            path = path.replace(f"<{converter}:{param}>", "{" + RENAMED.get(param, param) + "}")
    return path


class DescriptionTest(SimpleTestCase):
    def setUp(self) -> None:
        self.document = base_document()

    def problems(self, schema: dict[str, Any], value: Any) -> list[str]:
        whole = schema | {"components": self.document["components"]}
        found = Draft202012Validator(whole, format_checker=FormatChecker())
        return [f"{'/'.join(str(part) for part in each.path)}: {each.message[:200]}" for each in found.iter_errors(value)]

    def found(self, reference: str) -> Any:
        part: Any = self.document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
        return part

    def test_it_is_valid_openapi(self) -> None:
        self.assertEqual(self.document["openapi"], "3.1.1")
        self.assertEqual(list(Draft202012Validator(json.loads(META.read_text())).iter_errors(self.document)), [])

    def test_every_schema_is_valid(self) -> None:
        schemas = self.document["components"]["schemas"]
        self.assertGreater(len(schemas), 60)
        for name, schema in schemas.items():
            with self.subTest(name):
                Draft202012Validator.check_schema(schema)

    def test_every_reference_leads_somewhere(self) -> None:
        waiting: list[Any] = [self.document]
        count = 0
        while waiting:
            found = waiting.pop()
            if isinstance(found, dict):
                if isinstance(found.get("$ref"), str):
                    self.found(found["$ref"])
                    count += 1
                waiting += found.values()
            elif isinstance(found, list):
                waiting += found
        self.assertGreater(count, 200)

    def test_every_example_fits_its_schema(self) -> None:
        wrong, count = [], 0
        hooks = [(name, "post", item["post"]) for name, item in self.document["webhooks"].items()]
        answers = [("components", name, {"responses": {"": each}}) for name, each in self.document["components"]["responses"].items()]
        for path, method, operation in [*operations(self.document), *hooks, *answers]:
            bodies = [("request", operation.get("requestBody", {})), *operation["responses"].items()]
            for status, body in bodies:
                for media in body.get("content", {}).values():
                    examples = media.get("examples", {})
                    if not examples:
                        wrong.append(f"{method} {path} {status}: no example")
                    for example in examples.values():
                        count += 1
                        wrong += [f"{method} {path} {status}: {each}" for each in self.problems(media["schema"], example["value"])]
        for name, schema in self.document["components"]["schemas"].items():
            for example in schema.get("examples", []):
                count += 1
                wrong += [f"{name}: {each}" for each in self.problems(schema, example)]
        self.assertEqual(wrong, [])
        self.assertGreater(count, 150)

    def test_every_operation_of_every_route_and_nothing_else(self) -> None:
        wanted = set()
        for route in routes():
            if not route.pattern.startswith(("api/v1/", "v1/")):
                continue
            view = route.view.cls
            names = [name for name in METHODS if hasattr(view, name) and name in view.http_method_names]
            wanted |= {(documented_path(route), name) for name in names}
        told = {(path, method) for path, method, _operation in operations(self.document)}
        self.assertEqual(told, wanted - {(here, "post") for here in ALIASES})

    def test_each_operation_is_told_whole(self) -> None:
        ids, wrong = set(), []
        for path, method, operation in operations(self.document):
            name = operation["operationId"]
            ids.add(name)
            answers = operation["responses"]
            if not (name[0].islower() and name.isalnum()):
                wrong.append(f"{name}: not camelCase")
            if not operation["summary"] or not operation["description"] or len(operation["tags"]) != 1:
                wrong.append(f"{name}: summary, description or tag is missing")
            needs_key = operation["security"] == [{"apiKey": []}]
            if needs_key and not {"401", "403", "429"} <= set(answers):
                wrong.append(f"{name}: errors of every operation are missing")
            if "{" in path and "404" not in answers:
                wrong.append(f"{name}: 404 is missing")
            if "requestBody" in operation and not {"400", "413", "415"} <= set(answers):
                wrong.append(f"{name}: errors of a body are missing")
            if method == "post" and not any(each["name"] == "Idempotency-Key" for each in operation["parameters"]):
                wrong.append(f"{name}: Idempotency-Key is missing")
            for status, answer in answers.items():
                found = self.found(answer["$ref"]) if "$ref" in answer else answer
                if "X-RateLimit-Limit" not in found["headers"]:
                    wrong.append(f"{name} {status}: no limit headers")
            old = path.startswith(("/api/v1/agents", "/api/v1/chats", "/api/v1/account"))
            if bool(operation.get("deprecated")) != old:
                wrong.append(f"{name}: deprecated is wrong")
        self.assertEqual(wrong, [])
        self.assertEqual(len(ids), len(list(operations(self.document))))
        self.assertEqual([each for each, item in self.document["paths"].items() if item.get("parameters")], [])

    def test_links_name_operations_and_their_parameters(self) -> None:
        known = {operation["operationId"]: operation for _path, _method, operation in operations(self.document)}
        count = 0
        for _path, _method, operation in operations(self.document):
            for answer in operation["responses"].values():
                for link in answer.get("links", {}).values():
                    count += 1
                    names = {each["name"] for each in known[link["operationId"]]["parameters"] if each["in"] == "path"}
                    self.assertEqual(set(link.get("parameters", {})), names)
        self.assertGreater(count, 40)

    def test_the_four_events(self) -> None:
        events = self.document["webhooks"]
        self.assertEqual(list(events), ["assistant-request", "tool-calls", "status-update", "end-of-call-report"])
        for event in events.values():
            names = [each["name"] for each in event["post"]["parameters"]]
            self.assertIn("X-Webhook-Signature", names)


class ServedTest(TenantCase):
    def get(self, **headers: str) -> Any:
        return Client(headers=headers).get("/api/openapi.json")

    def test_it_needs_no_key_and_names_its_host(self) -> None:
        answer = self.get()
        self.assertEqual((answer.status_code, answer["Content-Type"]), (200, "application/json"))
        self.assertEqual(answer.json()["servers"], [{"url": "http://testserver"}])

    def test_a_known_copy_is_not_sent_again(self) -> None:
        first = self.get()
        again = self.get(**{"if-none-match": first["ETag"]})
        self.assertEqual((again.status_code, again.content), (304, b""))
        head = Client().head("/api/openapi.json")
        self.assertEqual((head.status_code, head.content, head["ETag"]), (200, b"", first["ETag"]))

    def test_other_methods_are_refused_in_json(self) -> None:
        answer = Client().post("/api/openapi.json")
        self.assertEqual((answer.status_code, answer.json()["type"]), (405, "method_not_allowed"))

    def test_the_language_of_the_reader_changes_nothing(self) -> None:
        self.assertEqual(self.get(**{"accept-language": "nl"}).content, self.get().content)

    def test_a_resellers_host_names_only_the_reseller(self) -> None:
        brand = factories.make_brand("acme-voice", "Acme Voice")
        client = factories.make_organization("Acme One", brand=brand, parent=factories.make_organization("Acme", brand=brand))
        key = factories.make_key(client)
        for path in ("/api/openapi.json", "/api/docs", "/api/docs/assistants", "/api/docs/webhooks", "/api/docs/schemas"):
            with self.subTest(path):
                host = {"host": f"{brand.slug}.localhost"}
                self.assertEqual(Client(headers=host).get(path).status_code, 404)
                answer = Client(headers=host | {"authorization": f"Bearer {key}"}).get(path)
                self.assertEqual(answer.status_code, 200)
                shown = answer.content.decode()
                self.assertIn("Acme Voice", shown)
                for name in ("Switchboard", "HMS", "Sovereign"):
                    self.assertNotIn(name, shown)

    def test_every_page_of_the_documentation(self) -> None:
        slugs = [each["href"] for each in _links(Client().get("/api/docs").content.decode())]
        self.assertGreater(len(slugs), 18)
        for slug in slugs:
            with self.subTest(slug):
                shown = Client().get(slug)
                self.assertEqual(shown.status_code, 200)
                self.assertNotIn(b"style=", shown.content)
                self.assertNotIn(b"onclick", shown.content)
        answer = Client().get("/api/docs/nothing")
        self.assertEqual((answer.status_code, answer["Content-Type"]), (404, "application/json"))

    def test_every_operation_is_on_its_page(self) -> None:
        document = self.get().json()
        shown = "".join(Client().get(each["href"]).content.decode() for each in _links(Client().get("/api/docs").content.decode()))
        for path, _method, operation in operations(document):
            self.assertIn(f'id="{operation["operationId"]}"', shown)
            self.assertIn(path, shown)


def _links(html: str) -> list[dict[str, str]]:
    found = {part.split('"', 1)[0].split("#")[0] for part in html.split('href="')[1:]}
    return [{"href": each} for each in sorted(found) if each.startswith("/api/docs")]
