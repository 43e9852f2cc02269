"""An operation as a command line and in two languages, ready to copy."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode


def samples(method: str, url: str, *, query: dict[str, Any], body: Any, needs_key: bool) -> list[tuple[str, str]]:
    """(language, code) for a request; the key is read from the environment, as it should be."""
    address = url + (f"?{urlencode(query)}" if query else "")
    return [
        ("curl", _curl(method, address, body, needs_key)),
        ("Python", _python(method, address, body, needs_key)),
        ("JavaScript", _javascript(method, address, body, needs_key)),
    ]


def _curl(method: str, url: str, body: Any, needs_key: bool) -> str:
    lines = [f"curl -X {method} '{url}'" if method != "GET" else f"curl '{url}'"]
    if needs_key:
        lines.append('-H "Authorization: Bearer $API_KEY"')
    if body is not None:
        lines.append("-H 'Content-Type: application/json'")
        lines.append("-d '" + json.dumps(body, indent=2, ensure_ascii=False).replace("'", "'\\''") + "'")
    return " \\\n  ".join(lines)


def _python(method: str, url: str, body: Any, needs_key: bool) -> str:
    arguments = [f'"{url}"']
    if needs_key:
        arguments.append('headers={"Authorization": f"Bearer {os.environ[\'API_KEY\']}"}')
    if body is not None:
        arguments.append("json=" + _literal(body).replace("\n", "\n    "))
    lines = ["import os", "", "import requests", ""] if needs_key else ["import requests", ""]
    lines.append(f"answer = requests.{method.lower()}(")
    lines += [f"    {argument}," for argument in arguments]
    return "\n".join([*lines, ")", "answer.raise_for_status()", "print(answer.json())"])


def _literal(value: Any, indent: int = 0) -> str:
    """JSON as Python writes it."""
    pad, end = " " * (indent + 4), " " * indent
    if isinstance(value, dict) and value:
        inner = "".join(f"{pad}{json.dumps(key)}: {_literal(part, indent + 4)},\n" for key, part in value.items())
        return f"{{\n{inner}{end}}}"
    if isinstance(value, list) and value:
        return "[\n" + "".join(f"{pad}{_literal(part, indent + 4)},\n" for part in value) + f"{end}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def _javascript(method: str, url: str, body: Any, needs_key: bool) -> str:
    headers = ["    Authorization: `Bearer ${process.env.API_KEY}`,"] if needs_key else []
    if body is not None:
        headers.append('    "Content-Type": "application/json",')
    options = [f'  method: "{method}",'] if method != "GET" else []
    options += ["  headers: {", *headers, "  },"] if headers else []
    if body is not None:
        options.append("  body: JSON.stringify(" + json.dumps(body, indent=2, ensure_ascii=False).replace("\n", "\n  ") + "),")
    call = [f'const answer = await fetch("{url}", {{', *options, "});"] if options else [f'const answer = await fetch("{url}");']
    return "\n".join([*call, "console.log(answer.status, await answer.json());"])


VERIFIERS = [
    (
        "Python",
        '''import hashlib
import hmac
import time


def is_genuine(secret: str, headers: dict, body: bytes) -> bool:
    """`body`: the raw bytes of the request."""
    timestamp = headers["X-Webhook-Timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        return False
    signed = timestamp.encode() + b"." + body
    wanted = "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, headers["X-Webhook-Signature"])''',
    ),
    (
        "JavaScript",
        """import { createHmac, timingSafeEqual } from "node:crypto";

// body: a Buffer with the raw bytes of the request
export function isGenuine(secret, headers, body) {
  const timestamp = headers["x-webhook-timestamp"];
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const digest = createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex");
  const wanted = Buffer.from(`sha256=${digest}`);
  const given = Buffer.from(headers["x-webhook-signature"] ?? "");
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}""",
    ),
]
