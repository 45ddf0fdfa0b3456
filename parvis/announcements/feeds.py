from django.http import HttpRequest, HttpResponse


def atom(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def json_feed(request: HttpRequest) -> HttpResponse:
    return HttpResponse()
