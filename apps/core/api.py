"""How the API speaks: JSON in and out, flat errors, pages of lists, times with milliseconds."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from rest_framework import exceptions
from rest_framework.metadata import BaseMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser as BaseJSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.renderers import JSONRenderer as BaseJSONRenderer
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from apps.core.api_request import is_browsable, is_deprecated, wants_json, wants_page
from apps.core.errors import DomainError, Invalid, NotFound, ServerError
from apps.core.strict_json import read_object

log = logging.getLogger(__name__)
MAX_LIMIT = 1000
JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)


def instant(value: dt.datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, as the contract writes it."""
    if value is None:
        return None
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


class Encoder(JSONEncoder):
    def default(self, obj: Any) -> Any:
        return instant(obj) if isinstance(obj, dt.datetime) else super().default(obj)


class JSONRenderer(BaseJSONRenderer):
    encoder_class = Encoder


class BrowsableRenderer(BaseRenderer):
    """An answer as a page in our look, with a box to send the other methods; only under /o/<org>/api/v1/.

    DRF's own page needs inline scripts, which our content security policy refuses.
    """

    media_type = "text/html"
    format = "api"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> str:
        context = renderer_context or {}
        view, request, response = context["view"], context["request"], context["response"]
        return render_to_string(
            "browsable.html",
            {
                "answer": json.dumps(data, cls=Encoder, indent=2, ensure_ascii=False),
                "status": f"{response.status_code} {response.status_text}",
                "is_error": response.status_code >= 400,
                "method": request.method,
                "methods": view.allowed_methods,
                "data": data,
                "path": request.path,
                "route": request._request.resolver_match.route,
            },
            request=request._request,
        )


class JSONParser(BaseJSONParser):
    """An empty body with the JSON content type is valid and counts as `{}`."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return read_object(stream.read())


class Allowed(BaseMetadata):
    """The body of OPTIONS; the methods stand in `Allow` too."""

    def determine_metadata(self, request: Any, view: Any) -> dict[str, Any]:
        return {"allow": view.allowed_methods}


class JsonFirst(DefaultContentNegotiation):
    """Whatever the client says it accepts, keys get JSON; a signed-in person's browser gets the browsable page."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """A body that names no type is taken for JSON; one that names another is refused (415)."""
        name = (request.content_type or "").partition(";")[0].strip()
        return parsers[0] if not name or JSON_TYPE.fullmatch(name) else None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        if is_browsable(request._request.path_info) and wants_page(request._request):
            return BrowsableRenderer(), "text/html"
        return renderers[0], renderers[0].media_type


def flat(error: DomainError) -> JsonResponse:
    return JsonResponse(error.body(), status=error.status, encoder=Encoder, headers=retry_header(error))


def flattened(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Any error that is not JSON (unknown path, wrong method, a crash) in the one flat body, where JSON is spoken."""
    is_json = answer.get("Content-Type", "").startswith("application/json")
    if answer.status_code < 400 or is_json or not wants_json(request):
        return answer
    if answer.status_code == 404:
        return flat(NotFound("There is nothing at this address."))
    if answer.status_code >= 500:
        return flat(ServerError())
    error = DomainError(answer.reason_phrase)
    error.status = answer.status_code
    error.title = _titles().get(answer.status_code, answer.reason_phrase)
    error.type = _types().get(answer.status_code, error.type)
    found = flat(error)
    if "Allow" in answer:
        found["Allow"] = answer["Allow"]
    return found


def dress(request: HttpRequest, answer: HttpResponseBase) -> None:
    """The headers that any answer of an operation bears."""
    if is_deprecated(request.path_info):
        answer["Deprecation"] = "true"


def retry_header(error: DomainError) -> dict[str, str]:
    """Whole seconds, never an HTTP date (api 4)."""
    seconds = error.extra.get("retry_after")
    return {"Retry-After": str(int(seconds))} if seconds is not None else {}


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's errors and ours in the one flat body. Others go on to become a flat 500."""
    if isinstance(exception, DomainError):
        return Response(exception.body(), status=exception.status, headers=retry_header(exception))
    if isinstance(exception, Http404):
        return Response(NotFound().body(), status=404)
    if isinstance(exception, exceptions.ValidationError):
        return Response(validation_body(exception.get_full_details()), status=400)
    if isinstance(exception, PermissionDenied):
        return Response({"error": "Forbidden", "type": "forbidden"}, status=403)
    if isinstance(exception, DataError):
        # A value that passed its checks and fits no column. Nothing was stored: the statement failed.
        log.warning("a value did not fit the database: %s", exception)
        return Response(Invalid("A value is too large to be stored.").body(), status=400)
    if isinstance(exception, exceptions.APIException):
        return Response(
            {
                "error": _titles().get(exception.status_code, "Invalid request"),
                "message": str(exception.detail),
                "type": _types().get(exception.status_code, "invalid_request"),
            },
            status=exception.status_code,
        )
    return None


def validation_body(details: Any) -> dict[str, Any]:
    """DRF's nested validation errors, flattened to dotted paths."""
    problems = list(_walk(details))
    missing = bool(problems) and all(code == "required" for _path, code, _text in problems)
    texts = [f"{path}: {text}" if path else text for path, _code, text in problems]
    return {
        "error": Invalid.title,
        "message": texts[0] if texts else Invalid.title,
        "details": texts,
        "type": "missing_field" if missing else "invalid_value",
        "param": problems[0][0] if problems else None,
    }


def _walk(details: Any, path: str = "") -> Any:
    if isinstance(details, dict) and set(details) == {"message", "code"}:
        text = "this field is required" if details["code"] == "required" else str(details["message"])
        yield path, details["code"], text
    elif isinstance(details, dict):
        for key, value in details.items():
            own = "" if key == "non_field_errors" else str(key)
            yield from _walk(value, f"{path}.{own}".strip("."))
    elif isinstance(details, list):
        for index, value in enumerate(details):
            nested = isinstance(value, dict) and set(value) != {"message", "code"}
            yield from _walk(value, f"{path}.{index}" if nested else path)


def _titles() -> dict[int, str]:
    return {
        401: "Invalid API key",
        403: "Forbidden",
        404: "Not found",
        405: "Method not allowed",
        415: "Unsupported media type",
        429: "Rate limit exceeded",
    }


def _types() -> dict[int, str]:
    return {
        401: "unauthorized",
        403: "forbidden",
        404: "not_found",
        405: "method_not_allowed",
        415: "unsupported_media_type",
        429: "rate_limit_exceeded",
    }


def window(request: HttpRequest | Any, *, most: int = MAX_LIMIT) -> tuple[int, int]:
    """`limit` (=100) and `offset` (=0) of the query: clamped when out of range, 400 when no number."""
    return _int(request, "limit", 100, 1, most), _int(request, "offset", 0, 0, 2**31)


def _int(request: Any, name: str, default: int, least: int, most: int) -> int:
    text = request.GET.get(name)
    if text is None or text == "":
        return default
    if not re.fullmatch(r"-?[0-9]{1,100}", text.strip()):
        line = f"{name}: a whole number is expected"
        raise Invalid(line, param=name, details=[line])
    return max(least, min(most, int(text)))


def pagination(total: int, limit: int, offset: int) -> dict[str, int]:
    return {"total": total, "limit": limit, "offset": offset}


def period(request: Any) -> tuple[dt.datetime | None, dt.datetime | None]:
    """`start_date` and `end_date`, inclusive: ISO date-times or plain UTC days (a plain end date includes that whole day).

    Returns the first instant and the first instant no longer included.
    """
    start, end = request.GET.get("start_date"), request.GET.get("end_date")
    return (_when(start, "start_date")[0] if start else None), (_when(end, "end_date")[1] if end else None)


def _when(text: str, name: str) -> tuple[dt.datetime, dt.datetime]:
    try:
        if len(text) == 10:
            day = dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), dt.UTC)
            return day, day + dt.timedelta(days=1)
        moment = dt.datetime.fromisoformat(text.replace(" ", "+"))
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
        return moment, moment + dt.timedelta(microseconds=1)
    except (ValueError, OverflowError):
        line = f"{name}: an ISO 8601 date or date-time is expected"
        raise Invalid(line, param=name, details=[line]) from None
