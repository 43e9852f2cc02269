"""What the page of the browsable API reads from the API's description."""

from __future__ import annotations

from typing import Any

from django import template

from apps.core import browsable

register = template.Library()


@register.simple_tag
def api_page(route: str, path: str, data: Any, query: Any) -> dict[str, Any]:
    """Summary, forms, filters, pages and rows of the page at `route`."""
    get = browsable.operations(route).get("get", {})
    return {
        "path": browsable.short(path),
        "summary": get.get("summary", ""),
        "about": get.get("description", "").replace("`", ""),
        "is_deprecated": any(each.get("deprecated") for each in browsable.operations(route).values()),
        "forms": browsable.forms(route, data),
        "filters": browsable.filters(route, query.dict()),
        "pages": browsable.pages(data, query.dict()),
        "rows": browsable.rows(route, path, data),
    }
