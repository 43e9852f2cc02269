"""Every address of the product, and one whose page fails: for what is said then."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from config import urls

handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("Switchboard is broken at operator-canary.example")


urlpatterns = [path("broken", broken), *urls.urlpatterns]
