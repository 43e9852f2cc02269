"""What the reverse proxy asks before it requests a certificate for a host."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from apps.branding.domains import may_have_certificate
from apps.core.client import is_internal


@require_GET
def certificate(request: HttpRequest) -> HttpResponse:
    """200 for a host that a portal answers on, 404 for every other; 404 as well for whoever asks from outside."""
    if not is_internal(request):
        raise Http404
    return HttpResponse(status=200 if may_have_certificate(request.GET.get("domain", "")) else 404)
