"""«Mes avis»: in what order an emergency comes."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.notifications import orders
from parvis.notifications.forms import OrderForm
from parvis.notifications.views import current_place, order_form, page_facts, places_of
from parvis.residents.http import ResidentRequest


@require_POST
def order(request: ResidentRequest) -> HttpResponse:
    form: OrderForm = order_form(request, request.POST)
    if form.is_valid():
        try:
            orders.set_emergency_order(
                resident=request.user, order=form.order(), now=timezone.now()
            )
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Votre choix pour les urgences est enregistré."))
            return go_to(request, "notifications:mine")
    places = places_of(request)
    facts: dict[str, Any] = page_facts(request, current_place(request, places, ""), places)
    return render(request, "notifications/mine.html", facts | {"order": form}, status=422)
