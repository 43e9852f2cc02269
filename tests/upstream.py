"""A small engine of the base wire that keeps copies: what a hosted account does with assistants, numbers and trunks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.receivers import Received, Receiver, Reply

NAMES = {
    "/assistants": "assistants", "/numbers": "numbers", "/sip-trunks": "trunks", "/workflows": "workflows",
    "/mcp-servers": "mcp_servers", "/tool-templates": "tool_templates", "/analysis-templates": "analysis_templates",
}  # fmt: skip
# What an engine takes and never shows.
SECRET = ("auth_password", "headers")


class Upstream(Receiver):
    """`objects[path]` holds what stands there by id. `fault`: what happens instead of the next writes that it names.

    A fault is a function of what was received: None lets it pass, `lost` does the work and breaks the connection, a
    Reply is the answer.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.objects: dict[str, dict[str, dict[str, Any]]] = {path: {} for path in NAMES}
        self.calls: list[dict[str, Any]] = []
        self.dials: list[dict[str, Any]] = []
        self.accounts: list[dict[str, Any]] = []
        self.keys: dict[str, str] = {}
        self.fault: Callable[[Received], Reply | str | None] | None = None
        self._count = itertools.count(1)

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Verb and collection of what changed something, in order."""
        done = [(each.method, "/" + each.path.split("/")[1]) for each in self.received if each.method != "GET"]
        return done

    def all(self, path: str) -> list[dict[str, Any]]:
        return list(self.objects[path].values())

    def one(self, path: str) -> dict[str, Any]:
        (found,) = self.all(path)
        return found

    def _answer(self, got: Received) -> Reply:
        fault = self.fault(got) if self.fault else None
        if isinstance(fault, Reply):
            return fault
        done = self._do(got)
        return Reply(cut=True) if fault == "lost" else done

    def _do(self, got: Received) -> Reply:
        path, _, ref = got.path.partition("?")[0].strip("/").partition("/")
        path = f"/{path}"
        if path == "/calls":
            return self._call(got, ref)
        if path == "/organizations":
            return self._organization(got)
        if path == "/byok":
            return self._key(got)
        if path not in NAMES:
            return Reply(404, {"error": "Not found", "type": "not_found"})
        name, held = NAMES[path], self.objects[path]
        if got.method == "GET":
            return Reply(200, {name: [_shown(each) for each in held.values()]} if not ref else {name[:-1]: held.get(ref)})
        if got.method == "POST":
            if problem := self._refusal(path, got.json):
                return problem
            ident = f"up-{next(self._count)}"
            held[ident] = {"id": ident, **got.json}
            return Reply(201, {name[:-1]: _shown(held[ident])})
        if ref not in held:
            return Reply(404, {"error": "Not found", "type": "not_found"})
        if got.method == "DELETE":
            del held[ref]
            return Reply(200, {"success": True})
        held[ref] |= got.json
        return Reply(200, {name[:-1]: _shown(held[ref])})

    def _refusal(self, path: str, body: dict[str, Any]) -> Reply | None:
        """The two unique keys of the contract, and what an assistant needs."""
        unique = {"/numbers": "phone_number", "/mcp-servers": "name"}.get(path)
        if unique and any(each[unique] == body[unique] for each in self.all(path)):
            return Reply(409, {"error": "Already there", "type": "already_exists", "param": unique})
        if path == "/assistants" and body.get("name") == "Bad":
            return Reply(400, {"error": "Validation failed", "details": ["name: not this one"], "type": "invalid_value"})
        return None

    def _key(self, got: Received) -> Reply:
        if got.method == "DELETE":
            self.keys.pop(got.json["provider"], None)
        elif got.method == "POST":
            self.keys[got.json["provider"]] = got.json["api_key"]
        return Reply(200, {"success": True})

    def _organization(self, got: Received) -> Reply:
        if got.method == "GET":
            return Reply(200, {"id": "acc-1", "name": "Upstream"})
        self.accounts.append(got.json)
        number = len(self.accounts) + 1
        return Reply(201, {"id": f"acc-{number}", "api_key": f"fl_live_{number}", **got.json})

    def _call(self, got: Received, ref: str) -> Reply:
        if got.method == "POST" and ref == "outbound":
            ident = f"call-{next(self._count)}"
            self.dials.append(got.json)
            return Reply(200, {"success": True, "call_id": ident, "status": "dialing", "room_name": ident})
        if not ref:
            return Reply(200, {"calls": self.calls, "pagination": {"total": len(self.calls)}})
        found = next((each for each in self.calls if each["id"] == ref), None)
        return Reply(200, {"call": found}) if found else Reply(404, {"error": "Not found", "type": "not_found"})


def _shown(held: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in held.items() if name not in SECRET}
