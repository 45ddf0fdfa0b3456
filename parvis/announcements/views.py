from django.http import HttpRequest, HttpResponse


def index(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def page(request: HttpRequest, pk: int, slug: str = "") -> HttpResponse:
    return HttpResponse()


ended = archives = public_notices = short = certificate = certificate_pdf = page
