"""What every operation has in common, added to the description once: errors, limits, tags, links, examples."""

from __future__ import annotations

import re
from typing import Any

from apps.core.openapi import BODY, FURTHER, anything, array, integer, number, record, ref, text, value
from apps.core.openapi_samples import sample

JSON = "application/json"
METHODS = ("get", "post", "put", "patch", "delete")
RENAMED = {"pk": "id", "call_id": "id", "lead_pk": "lead_id"}
# In the order of the documentation: path's first word, tag, what it is about.
TAGS = {
    "assistants": ("Assistants", "Who answers the phone: what it says, which models and voice it uses, what it may do."),
    "tool-templates": ("Tool templates", "Tools kept apart from assistants, to be copied into them."),
    "numbers": ("Phone numbers", "Which assistant or workflow answers on which number."),
    "calls": ("Calls", "Calls made and received, new outbound calls, and commands for a running call."),
    "web-calls": ("Web calls", "Calls from a browser."),
    "usage": ("Usage", "How long calls took, in the whole and one by one."),
    "sip-trunks": ("SIP trunks", "The telephone line over which calls leave and are handed over."),
    "voices": ("Voices", "The voices that run on the platform itself."),
    "byok": ("Provider keys", "Your own keys for speech and language providers, and their settings."),
    "domains": ("E-mail domains", "The sender's domain of call reports."),
    "analysis-templates": ("Analysis templates", "What is read out of a call's transcript."),
    "organizations": ("Organization", "Your organization, its balance, its retention, its client organizations."),
    "account": ("Organization", ""),
    "campaigns": ("Campaigns", "Calling a list of leads within a daily window."),
    "chats": ("Chats", "The memory of a contact over several channels. Deprecated, and complete."),
    "workflows": ("Workflows", "A conversation as a graph of steps."),
    "mcp-servers": ("MCP servers", "Servers whose tools an assistant may use."),
    "engine": ("Engine", "This server as a voice engine for another one."),
    "agents": ("Agents", "The older name of assistants: the same operations under both spellings. Deprecated."),
    "health": ("Health", "Whether the service is up. Needs no key."),
}
ERRORS = {
    400: ("BadRequest", "The body, a parameter or the command is not valid; `param` and `details` say what."),
    401: ("Unauthorized", "The key is missing, unknown, expired or revoked."),
    402: ("PaymentRequired", "No balance is left for a call."),
    403: ("Forbidden", "The key has no right to do this: it is read-only, or its organization is suspended."),
    404: ("NotFound", "There is no such object in your organization."),
    409: ("Conflict", "A duplicate, in use, or not possible in this state; also a repeat of a request that still runs."),
    413: ("PayloadTooLarge", "The body is larger than 1 MiB."),
    415: ("UnsupportedMediaType", "The body is not `application/json`."),
    429: ("RateLimited", "Too many requests in this minute. `Retry-After` says when to go on."),
    503: ("Unavailable", "The voice backend cannot be reached; nothing was started. Try again later."),
}
EXAMPLES = {
    400: {"error": "Validation failed", "message": "name: this field is required", "type": "missing_field",
          "details": ["name: this field is required"], "param": "name"},
    401: {"error": "Invalid API key", "message": "Invalid or missing API key", "type": "unauthorized"},
    402: {"error": "Insufficient credits", "message": "No credits left. Buy credits to place calls.",
          "type": "insufficient_credits", "balance": 0},
    403: {"error": "Forbidden", "message": "This API key is read-only.", "type": "forbidden"},
    404: {"error": "Not found", "message": "There is nothing with this id.", "type": "not_found"},
    409: {"error": "Conflict", "message": "The first request still runs. Repeat it in a moment.", "type": "in_progress"},
    413: {"error": "Payload too large", "message": "The body is larger than 1 MiB.", "type": "payload_too_large"},
    415: {"error": "Unsupported media type", "message": "Send application/json.", "type": "invalid_request"},
    429: {"error": "Rate limit exceeded", "message": "Too many requests. Retry after 45 seconds.",
          "type": "rate_limit_exceeded", "retry_after": 45},
    503: {"error": "Voice backend unavailable", "message": "The voice backend does not answer.",
          "type": "backend_unavailable"},
}  # fmt: skip
LIMITS = {
    "X-RateLimit-Limit": integer("Requests that this minute allows."),
    "X-RateLimit-Remaining": integer("Requests left in this minute."),
    "X-RateLimit-Reset": integer("Unix time in seconds at which the next minute begins."),
}
HEADERS = LIMITS | {
    "Retry-After": integer("Whole seconds to wait."),
    "WWW-Authenticate": text("Always `Bearer`."),
    "Deprecation": text("`true`: do not build anything new on this operation.", enum=["true"]),
    "Idempotent-Replayed": text("`true`: this is the first answer again; nothing was done twice.", enum=["true"]),
}
IDEMPOTENCY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Any text of your own. For 24 hours a repeat with the same text and body gets the first answer and "
    "has no second effect; with another body it is refused with 409.",
}  # fmt: skip
# Beyond the path: from what is made to what is made with it. (source, target, parameters, body); `$` stands for the answer.
ONWARD: tuple[tuple[str, str, dict[str, str], dict[str, Any] | None], ...] = (
    ("createAssistant", "createOutboundCall", {}, {"destination": "+31600000001", "assistant_id": "$/assistant/id"}),
    ("createAssistant", "createWebCall", {}, {"assistant_id": "$/assistant/id"}),
    ("createAssistant", "createCampaign", {}, {"name": "Spring recall", "assistant_id": "$/assistant/id"}),
    ("createOutboundCall", "getCall", {"id": "$/call_id"}, None),
    ("createOutboundCall", "controlCall", {"id": "$/call_id"}, {"type": "end-call"}),
    ("createWebCall", "getCall", {"id": "$/call_id"}, None),
    ("createCampaign", "listCampaignLeads", {"id": "$/campaign/id"}, None),
)
SCHEMAS = {
    "Error": record(
        {
            "error": text("A short text."),
            "message": text("A longer text; for a validation error the first problem."),
            "details": array(text(), "One entry per problem."),
            "type": text("A code for programs.", examples=["invalid_value"]),
            "param": text("The first offending field, as a dotted path."),
            "retry_after": integer("With 429: seconds to wait."),
            "balance": number("With 402: what is left."),
            "call_id": text("With `duplicate_reference`: the call that has this reference."),
        },
        required=["error"], additionalProperties=True, description="Every error has this flat shape.",
    ),
    "SuccessResponse": record({"success": value("boolean", enum=[True])}),
    "Pagination": record(
        {
            "total": integer("All rows that match.", minimum=0, examples=[42]),
            "limit": integer("The limit that was applied.", minimum=0, examples=[100]),
            "offset": integer("The offset that was applied.", minimum=0, examples=[0]),
        }
    ),
    "JsonSchema": anything("A JSON Schema (draft 2020-12) of an object, at most 64 KiB, without remote `$ref`."),
}  # fmt: skip


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """The last hook of drf-spectacular: `result` with all that follows from an operation's shape."""
    components = result.setdefault("components", {})
    components["schemas"] = dict(sorted((SCHEMAS | components.get("schemas", {})).items()))
    components["headers"] = {name: {"schema": schema} for name, schema in HEADERS.items()}
    components["responses"] = {name: _error_answer(status) for status, (name, _text) in ERRORS.items()}
    result["paths"] = {_renamed(path): _item(path, item, components["schemas"]) for path, item in result["paths"].items()}
    _link(result["paths"])
    _onward(result["paths"])
    used = {operation["tags"][0] for item in result["paths"].values() for operation in item.values()}
    result["tags"] = [{"name": name, "description": about} for name, about in TAGS.values() if about and name in used]
    return result


def _renamed(path: str) -> str:
    for old, new in RENAMED.items():
        path = path.replace("{" + old + "}", "{" + new + "}")
    return path


def _item(path: str, item: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return {method: _operation(path, method, operation, schemas) for method, operation in item.items()}


def _operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    needs_key = "/health" not in path
    body, further = operation.pop(BODY, None), operation.pop(FURTHER, [])
    if body is not None:
        operation["requestBody"] = {"content": {JSON: {"schema": body}}, "required": "required" in _resolved(body, schemas)}
    operation["tags"] = [TAGS[re.split(r"/api/v1/|/v1/", path, maxsplit=1)[1].split("/")[0]][0]]
    operation["security"] = [{"apiKey": []}] if needs_key else [{}]
    for parameter in operation.get("parameters", []):
        parameter["name"] = RENAMED.get(parameter["name"], parameter["name"])
    if method == "post":
        operation.setdefault("parameters", []).append(IDEMPOTENCY)
    if needs_key:
        _add_errors(path, method, operation, further)
    for status, answer in operation["responses"].items():
        _dress(answer, method, status, operation)
    _add_examples(operation, schemas)
    order = ("operationId", "summary", "description", "tags", "deprecated")
    return {key: operation[key] for key in order if key in operation} | operation


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return schemas[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def _add_errors(path: str, method: str, operation: dict[str, Any], further: list[int]) -> None:
    has_query = any(each["in"] == "query" for each in operation.get("parameters", []))
    statuses = {401, 403, 429, *further}
    if "requestBody" in operation or method in ("post", "patch"):
        statuses |= {400, 413, 415}
    if has_query or method == "post":
        statuses.add(400)
    if "{" in path:
        statuses.add(404)
    if method == "post":
        statuses.add(409)
    for status in sorted(statuses):
        if str(status) not in operation["responses"]:
            operation["responses"][str(status)] = {"$ref": f"#/components/responses/{ERRORS[status][0]}"}
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _dress(answer: dict[str, Any], method: str, status: str, operation: dict[str, Any]) -> None:
    """Headers of an answer that is written out; a component brings its own."""
    if "$ref" in answer:
        return
    names = list(LIMITS)
    if operation.get("deprecated"):
        names.append("Deprecation")
    if method == "post" and status.startswith("2"):
        names.append("Idempotent-Replayed")
    answer["headers"] = _headers(names) | answer.get("headers", {})


def _headers(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _error_answer(status: int) -> dict[str, Any]:
    extra = {401: ["WWW-Authenticate"], 429: ["Retry-After"]}.get(status, [])
    return {
        "description": ERRORS[status][1],
        "headers": _headers([*LIMITS, *extra]),
        "content": {JSON: {"schema": ref("Error"), "examples": {"error": {"value": EXAMPLES[status]}}}},
    }


def _add_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Where a view gave no example: one made of the examples of the parts."""
    bodies = [(operation.get("requestBody", {}), "readOnly")]
    bodies += [(answer, "writeOnly") for answer in operation["responses"].values()]
    for body, hidden in bodies:
        for media in body.get("content", {}).values():
            if "schema" in media and not media.get("examples") and "example" not in media:
                media["examples"] = {"example": {"value": sample(media["schema"], schemas, hidden=hidden)}}


def _link(paths: dict[str, Any]) -> None:
    """From what makes or lists objects to what is done with one of them."""
    for path, item in paths.items():
        for method, source in item.items():
            for status in ("200", "201"):
                answer = source["responses"].get(status)
                if answer and method in ("get", "post"):
                    links = _links(path, answer, paths)
                    if links:
                        answer["links"] = links | answer.get("links", {})


def _onward(paths: dict[str, Any]) -> None:
    known = {each["operationId"]: each for item in paths.values() for each in item.values()}
    for source, target, parameters, body in ONWARD:
        if source not in known or target not in known:
            continue
        answer = next(each for status, each in known[source]["responses"].items() if status.startswith("2"))
        link: dict[str, Any] = {"operationId": target}
        if parameters:
            link["parameters"] = {name: _expression(value) for name, value in parameters.items()}
        if body:
            link["requestBody"] = {name: _expression(value) for name, value in body.items()}
        answer.setdefault("links", {})[target] = link


def _expression(value: str) -> str:
    return value.replace("$/", "$response.body#/", 1) if value.startswith("$/") else value


def _links(path: str, answer: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    pointer = _id_pointer(path, answer)
    if pointer is None:
        return {}
    found = {}
    for target, item in paths.items():
        if not re.fullmatch(re.escape(path) + r"/\{[^}]+\}(/[a-z-]+)?", target):
            continue
        names = re.findall(r"\{([^}]+)\}", target)
        values = {name: f"$request.path.{name}" for name in names[:-1]} | {names[-1]: f"$response.body#/{pointer}"}
        for method, operation in item.items():
            if method in METHODS:
                found[operation["operationId"]] = {"operationId": operation["operationId"], "parameters": values}
    return found


def _id_pointer(path: str, answer: dict[str, Any]) -> str | None:
    """Where in the answer's example the id stands: `assistant/id`, `assistants/0/id`."""
    media = answer.get("content", {}).get(JSON, {})
    for example in media.get("examples", {}).values():
        body = example.get("value")
        for key, part in body.items() if isinstance(body, dict) else ():
            if isinstance(part, dict) and "id" in part:
                return f"{key}/id"
            if isinstance(part, list) and part and isinstance(part[0], dict) and "id" in part[0]:
                return f"{key}/0/id"
    return None
