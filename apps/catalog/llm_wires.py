"""The wire formats of language models: what is sent, and how an answer is read. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _

from apps.catalog.llm_routes import OPERATOR, NoModel, Route
from apps.catalog.providers import provider

MOST_TOKENS = 4000
MESSAGE_ROLES = {"assistant": "model", "user": "user"}


@dataclass(frozen=True)
class Usage:
    """Tokens as the provider counted them; 0 where it said nothing."""

    input_tokens: int = 0
    output_tokens: int = 0


Messages = Sequence[Mapping[str, str]]


def openai_body(route: Route, messages: Messages, json_schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """A chat completion as OpenAI, xAI, Mistral and every compatible server take it."""
    limit = "max_completion_tokens" if route.key.slot == "openai" and route.trusted else "max_tokens"
    body: dict[str, Any] = {"model": route.model, "messages": [dict(each) for each in messages], limit: MOST_TOKENS}
    if route.reasoning_effort:
        body["reasoning_effort"] = route.reasoning_effort
    if json_schema is not None:
        named = {"name": "result", "schema": dict(json_schema), "strict": False}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return body


def read_openai(answer: Mapping[str, Any]) -> tuple[str, Usage]:
    choices, usage = answer.get("choices"), _dict(answer.get("usage"))
    first = _dict(choices[0]) if isinstance(choices, list) and choices else {}
    content = _dict(first.get("message")).get("content")
    if isinstance(content, list):  # Mistral may answer in parts
        content = "".join(_text(_dict(part).get("text")) for part in content)
    return _text(content), Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def gemini_body(messages: Messages, *, as_json: bool) -> dict[str, Any]:
    """`generateContent` of Gemini and Vertex AI. The schema itself stands in the messages: not every model takes it."""
    said = [each for each in messages if each["role"] != "system"]
    system = [each for each in messages if each["role"] == "system"]
    if not said:
        said, system = [{**each, "role": "user"} for each in system], []
    config: dict[str, Any] = {"maxOutputTokens": MOST_TOKENS}
    if as_json:
        config["responseMimeType"] = "application/json"
    body: dict[str, Any] = {
        "contents": [
            {"role": MESSAGE_ROLES.get(each["role"], "user"), "parts": [{"text": each["content"]}]} for each in said
        ],
        "generationConfig": config,
    }
    if system:
        body["systemInstruction"] = {"parts": [{"text": each["content"]} for each in system]}
    return body


def read_gemini(answer: Mapping[str, Any]) -> tuple[str, Usage]:
    found, usage = answer.get("candidates"), _dict(answer.get("usageMetadata"))
    content = _dict(_dict(found[0]).get("content")) if isinstance(found, list) and found else {}
    parts = content.get("parts")
    texts = [_dict(part) for part in parts] if isinstance(parts, list) else []
    text = "".join(_text(part.get("text")) for part in texts if part.get("thought") is not True)
    written = _count(usage.get("candidatesTokenCount")) + _count(usage.get("thoughtsTokenCount"))
    return text, Usage(_count(usage.get("promptTokenCount")), written)


def url_of(route: Route, project: str = "") -> str:
    """The address that takes the completion.

    Args:
        project: of the service account; Vertex AI only.
    """
    if route.wire == "openai":
        return f"{route.base_url}/chat/completions"
    model = quote(route.model, safe="")
    if route.wire == "gemini":
        return f"{route.base_url}/models/{model}:generateContent"
    location = _location(route)
    base = route.base_url or f"https://{_vertex_host(location)}/v1"
    path = f"projects/{quote(project, safe='')}/locations/{quote(location, safe='')}"
    return f"{base}/{path}/publishers/google/models/{model}:generateContent"


def key_headers(route: Route, token: str = "") -> dict[str, str]:
    """How the key is shown. Without one nothing is sent: a server of the operator's own may need none."""
    if route.wire == "gemini":
        return {"x-goog-api-key": route.key.text}
    secret = token or route.key.text
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def account_of(text: str) -> dict[str, Any]:
    """A service account's JSON; empty when it is none."""
    try:
        return _dict(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _location(route: Route) -> str:
    """Where the key's settings say, else where the catalogue says that the model runs, else the EU."""
    entry = provider("llm", "google") if route.provider != OPERATOR else None
    model = entry.model(route.model) if entry else None
    return route.key.location or (model.region if model else None) or "europe-west4"


def _vertex_host(location: str) -> str:
    """Raises NoModel for what is no location: it would be part of the host's name."""
    if not re.fullmatch(r"[a-z0-9-]{1,40}", location):
        raise NoModel(_("“%(name)s” is no location of Vertex AI.") % {"name": location[:60]})
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in ("eu", "us"):
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0
