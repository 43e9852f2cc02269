"""Assistants, numbers, trunks … as an engine keeps them: what a mirror reads and writes (platform 12)."""

from __future__ import annotations

from typing import Any

from apps.core.foreign_json import json_object
from apps.voice.budget import Priority
from apps.voice.outcomes import details_of
from apps.voice.wire import READ_SECONDS, EngineTrouble, Wire, checked, refuse_invalid, to_json

WRITE_SECONDS = 10.0


class Objects(Wire):
    """The resources of the base wire, by path. Every method raises EngineTrouble without a usable answer.

    What the engine says about our request (400, 409, 413, 422) is Invalid, with its `details`, `type` and `param`.
    """

    def objects(self, path: str, name: str) -> list[dict[str, Any]]:
        """All of a list that is not paged (api 5), such as `("/sip-trunks", "trunks")`; in the engine's order."""
        answer = self._read(path)
        found = answer.get(name) if isinstance(answer, dict) else answer
        if not isinstance(found, list):
            raise EngineTrouble("unreadable")
        return [each for each in found if isinstance(each, dict)]

    def object(self, path: str) -> dict[str, Any] | None:
        """`GET` of one object, without its wrapping; None when it is not there."""
        answer = self._send("GET", path, seconds=READ_SECONDS)
        return None if answer.status == 404 else _inner(json_object(checked(answer).body))

    def create(self, path: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        """`POST`. Returns the object without its wrapping.

        Args:
            key: sent as Idempotency-Key; an engine of the base wire may ignore it, so a lost answer needs a look-up.
        """
        answer = self._send(
            "POST", path, content=to_json(body), seconds=WRITE_SECONDS, headers={"Idempotency-Key": key}
        )
        refuse_invalid(answer)
        return _inner(json_object(checked(answer).body))

    def change(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """`PATCH`. Returns the object without its wrapping; None when it is not there (any more)."""
        answer = self._send("PATCH", path, content=to_json(body), seconds=WRITE_SECONDS)
        if answer.status == 404:
            return None
        refuse_invalid(answer)
        return _inner(json_object(checked(answer).body))

    def remove(self, path: str, body: dict[str, Any] | None = None) -> bool:
        """`DELETE`, with a body where the contract wants one (`/byok`). False when it was not there."""
        content = None if body is None else to_json(body)
        answer = self._send("DELETE", path, content=content, seconds=WRITE_SECONDS)
        if answer.status == 404:
            return False
        refuse_invalid(answer)
        checked(answer)
        return True

    def check_key(self) -> None:
        """Whether the engine takes the key: any answer to a request that needs one, but 401, 402, 403 and 5xx.

        Raises EngineTrouble.
        """
        answer = self._send("GET", "/organizations", seconds=READ_SECONDS, priority=Priority.OUTBOUND)
        if answer.status in (401, 402, 403) or answer.status >= 500:
            raise EngineTrouble(f"http_{answer.status}", details=details_of(json_object(answer.body)))

    def organization(self) -> dict[str, Any]:
        """Whose key it is: `GET /organizations`, or the older `GET /account`."""
        for path in ("/organizations", "/account"):
            answer = self._send("GET", path, seconds=READ_SECONDS)
            if answer.status == 404:
                continue
            if found := json_object(checked(answer).body):
                return _inner(found)
            raise EngineTrouble("unreadable")
        raise EngineTrouble("http_404")


def _inner(found: dict[str, Any]) -> dict[str, Any]:
    """`{"assistant": {…}}` without the wrapping; what has an id of its own is not wrapped."""
    if "id" in found:
        return found
    return next((each for each in found.values() if isinstance(each, dict) and "id" in each), found)
