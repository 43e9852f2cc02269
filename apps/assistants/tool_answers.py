"""How an answer to `tool-calls` is read (webhooks 7): one rule for calls and for trying a tool out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NO_RESULT = {"error": "The tool's server gave no result for this call"}


def read_answer(data: Any, ids: Sequence[str]) -> dict[str, Any]:
    """The result of each tool call of one request.

    Args:
        data: the answer's JSON, or its plain text.
        ids: the calls that were asked for.
    """
    if isinstance(data, dict) and isinstance(data.get("results"), list):
        rows = [row for row in data["results"] if isinstance(row, dict)]
        named = {row.get("tool_call_id", row.get("toolCallId")): row.get("result") for row in rows}
        if len(ids) == 1 and ids[0] not in named and len(rows) == 1:
            return {ids[0]: rows[0].get("result")}
        return {each: named.get(each, NO_RESULT) for each in ids}
    result = data["result"] if isinstance(data, dict) and set(data) == {"result"} else data
    return {each: result for each in ids}  # noqa: C420  (nobody changes a result)


def is_error(result: Any) -> bool:
    """Whether the model reads the result as an error."""
    return isinstance(result, dict) and set(result) == {"error"}
