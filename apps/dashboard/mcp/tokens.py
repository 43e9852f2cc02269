"""The token endpoint, revocation and registration: allauth's, with what a token is for written into it."""

from __future__ import annotations

import json
from typing import cast

from allauth.idp.oidc.models import Token
from allauth.idp.oidc.views import RevokeView, TokenView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.accounts.oauth import GRANTS
from apps.dashboard.mcp.connections import Grant, bind, forget_tokens, replace_older, take_grant, workspace_of

CODE, REFRESH = GRANTS


class BoundTokenView(TokenView):
    def post(self, request: HttpRequest) -> HttpResponse:
        """Tokens for what was agreed to, while the person is still a member."""
        kind = request.POST.get("grant_type", "")
        if kind not in GRANTS:
            return _refused("unsupported_grant_type")
        with transaction.atomic():
            grant = take_grant(code=request.POST.get("code", "")) if kind == CODE else _grant_of_refresh(request)
            if grant is None:
                return _refused("invalid_grant")
            try:
                answer = cast(HttpResponse, super().post(request))
            except ValidationError:
                return _refused("invalid_target")
            if answer.status_code == 200 and not _bind(request, answer, grant, is_new=kind == CODE):
                transaction.set_rollback(True)
                return _refused("invalid_grant")
        answer["Cache-Control"] = "no-store"
        return answer


class WholeRevokeView(RevokeView):
    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """One token given back ends the whole connection (RFC 7009, 2.1)."""
        tokens = Token.objects.by_value(request.POST.get("token", ""))
        token = tokens.first()
        answer = cast(HttpResponse, super().post(request, *args, **kwargs))
        grant = Grant.of(token.data) if token else None
        if answer.status_code == 200 and grant and not tokens.exists():
            forget_tokens(connection_id=grant.connection_id)
        return answer


def _grant_of_refresh(request: HttpRequest) -> Grant | None:
    """Locked: of two that come at once the second finds the token used."""
    tokens = Token.objects.by_value(request.POST.get("refresh_token", "")).filter(type=Token.Type.REFRESH_TOKEN)
    token = tokens.select_for_update().first()
    return Grant.of(token.data) if token else None


def _bind(request: HttpRequest, answer: HttpResponse, grant: Grant, *, is_new: bool) -> bool:
    """Whether the person may (still) come in; then the tokens are hers, for that organization."""
    body = json.loads(answer.content)
    made = [Token.objects.by_value(body[name]).get() for name in ("access_token", "refresh_token") if name in body]
    user, client = made[0].user, made[0].client
    if user is None or client is None or not workspace_of(user, grant.organization_id, request.brand):  # type: ignore[attr-defined]
        return False
    if is_new:
        replace_older(user=user, client=client, organization_id=grant.organization_id)
    bind(tokens=made, grant=grant)
    return True


def _refused(error: str) -> HttpResponse:
    return JsonResponse({"error": error}, status=400, headers={"Cache-Control": "no-store"})
