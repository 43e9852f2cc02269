"""The claims about the API: every operation, to the letter."""

from __future__ import annotations

from tests.proof.run import PASSED, Claims, shown_by

OAUTH = tuple(f"tests/dashboard/test_mcp_oauth{rest}.py" for rest in ("", "_tokens", "_rights", "_pages"))
CLAIMS: Claims = {
    "contract": (
        "Every operation over plain HTTP: envelope, status, each field's type and nullability, each error",
        shown_by("tests/test_api_contract.py", figures=r"(?m)(?<=contract: ).*$"),
    ),
    "properties": (
        "Random valid bodies come back equal; random invalid ones are 400 and name the field",
        shown_by("tests/test_api_properties.py", figures=r"(?m)(?<=properties: ).*$"),
    ),
    "node": (
        "A Node program that behaves like the official SDK, in both lines",
        shown_by("tests/test_node_sdk.py", figures=r"(?m)(?<=node: ).*$"),
    ),
    "queries": (
        "Every list costs the same number of queries for 1 and 3 rows",
        shown_by("tests/test_api_queries.py", figures=r"(?m)(?<=queries: ).*$"),
    ),
    "transport": ("Addresses, bodies, methods, keys and one envelope", shown_by("tests/test_api_transport.py")),
    "limits": ("Limits exact across processes; a dead Valkey lets requests pass", shown_by("tests/organizations/test_rate.py")),
    "repeats": (
        "A repeat has no second effect: 20 identical calls at once ring once",
        shown_by("tests/organizations/test_idempotency.py"),
    ),
    "openapi": ("The description is valid and true, its examples fit, its pages wear the brand", shown_by("tests/test_openapi.py")),
    "schemathesis": (
        "No server error and no answer that is not described, links included",
        shown_by("tests/test_schemathesis.py", figures=r"(?m)(?<=schemathesis: ).*$"),
    ),
    "mcp": (
        "The MCP server, with a key and with OAuth, against the official client",
        shown_by("tests/dashboard/test_mcp.py", "tests/dashboard/test_mcp_client.py", *OAUTH),
    ),
    "browser": (
        "Documentation with try-it, the browsable API, connecting a program, talking to an assistant, in a browser",
        shown_by("tests/browser/test_docs.py", "tests/browser/test_mcp_oauth.py", "tests/browser/test_talk.py", figures=PASSED),
    ),
}
