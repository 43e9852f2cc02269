"""What the API's description must be told: only the keys' mount is public, and how keys are sent."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


def public_only(endpoints: list[tuple[str, str, str, Any]], **kwargs: Any) -> list[tuple[str, str, str, Any]]:
    """The routes for keys; the same ones mounted for signed-in people are no second API."""
    return [each for each in endpoints if each[0].startswith(("/api/v1/", "/v1/"))]


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = "apps.organizations.authentication.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of your organization."}
