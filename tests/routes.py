"""Every route of the product, and what is special about some for who walks them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

# Not an organization's: each is tested where it lives.
OUTSIDE = {
    "brand_css", "brand_picture", "favicon", "manifest", "robots", "home", "profile", "set_language", "invitation", "mailbox", "mailbox_message", "engine_hook", "health", "certificate",
    "styleguide", "internal_ask", "openapi", "api_docs", "api_docs_page", "recording", "mcp",
    "lead_hook", "stripe_hook", "embed_script", "embed_frame", "embed_talk", "embed_say", "embed_end",
}  # fmt: skip
OUTSIDE_PREFIXES = ("account_", "mfa_", "usersessions_", "admin:", "profile_", "mailbox_", "invitation_",
                    "oauth_", "idp:")  # fmt: skip
# Only an agency has these, and the demo's button only a demo.
AGENCYS = {"portal_sign_up", "sign_ups", "library", "library_item", "library_job", "portal", "portal_address", "portal_brand", "brand_preview", "brand_colours", "brand_picture_save", "portal_open", "portal_switch",
           "clients", "client_create", "client_account", "client_limits", "clients_file", "clients_progress", "announcements", "client", "client_access",
           "client_delete", "client_export_file", "client_wallet", "margin", "margin_csv", "demo_remove",
           "portal_payments", "sales", "sales_invoices", "packages", "package_create", "package_edit", "plans", "plans_progress", "plan_create", "plan_edit",
           "sale", "sale_paid", "sale_refund", "sale_invoice", "sale_invoice_paid"}
# Fragments that need to be told what to show.
_CONTACT = "?contact_id=%2B31600000001"
QUERY = {
    "assistant_part": "?part=tts&provider=elevenlabs",
    "client_limits": "?client=bakker-dental",
    **dict.fromkeys(("api_chats", "api_chat_context", "browsable:api_chats", "browsable:api_chat_context"), _CONTACT),
}
# Waits for a call that is on its way: what never comes looks like what is somebody else's.
SAYS_NOTHING = {"call_incoming"}


@dataclass
class Route:
    name: str
    pattern: str
    params: tuple[str, ...]
    view: Any = field(repr=False)

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith(("api/v1/", "v1/"))

    @property
    def is_browsable(self) -> bool:
        return self.pattern.startswith("o/<slug:org>/api/v1/")

    @property
    def is_page(self) -> bool:
        return f"{self.pattern}/".startswith("o/<slug:org>/") and not self.is_browsable


def routes() -> list[Route]:
    return list(_walk(get_resolver().url_patterns, "", "", ()))


def _walk(patterns: Any, prefix: str, space: str, outer: tuple[str, ...]) -> Iterator[Route]:
    for each in patterns:
        text = prefix + str(each.pattern)
        params = (*outer, *each.pattern.converters)
        if isinstance(each, URLResolver):
            inner = f"{space}{each.namespace}:" if each.namespace else space
            yield from _walk(each.url_patterns, text, inner, params)
        elif isinstance(each, URLPattern):
            yield Route(space + (each.name or ""), text, params, each.callback)


def path_of(route: Route, values: dict[str, Any]) -> str:
    path = "/" + route.pattern
    for param, value in values.items():
        for converter in ("slug", "uuid", "str", "int", "path"):
            path = path.replace(f"<{converter}:{param}>", str(value)).replace(f"<{param}>", str(value))
    assert "<" not in path, path
    return path
