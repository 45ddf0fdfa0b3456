from django.urls import path

from parvis.notifications import (
    phone_webhooks,
    views,
    views_devices,
    views_inbox,
    views_order,
    views_unsubscribe,
    webhooks,
)

app_name = "notifications"
urlpatterns = [
    path("", views.mine, name="mine"),
    path("choix/", views.choose, name="choose"),
    path("ordre/", views_order.order, name="order"),
    path("pause/", views.pause, name="pause"),
    path("reprise/", views.resume, name="resume"),
    path("essai/", views.try_out, name="try_out"),
    path("telephones/<int:phone_id>/reprendre/", views.resume_texts, name="resume_texts"),
    path("appareils/", views_devices.register, name="register"),
    path("appareils/suite/", views_devices.renew, name="renew"),
    path("appareils/<int:device_id>/nom/", views_devices.rename, name="rename"),
    path("appareils/<int:device_id>/retrait/", views_devices.remove, name="remove"),
    path("cle/", views_devices.push_key, name="push_key"),
    path("recus/", views_inbox.received, name="inbox"),
    path("recus/<int:message_id>/", views_inbox.open_message, name="open"),
    path("ouvert/", views_inbox.opened, name="opened"),
    path("desabonnement/<str:token>/", views_unsubscribe.unsubscribe_page, name="unsubscribe"),
    path("rebonds/<slug:provider>/", webhooks.report, name="report"),
    path(
        "telephone/<slug:provider>/suivi/<str:token>/",
        phone_webhooks.text_report,
        name="phone_report",
    ),
    path(
        "telephone/<slug:provider>/appel/<str:token>/",
        phone_webhooks.call_answered,
        name="call_answered",
    ),
    path(
        "telephone/<slug:provider>/appel/<str:token>/touche/",
        phone_webhooks.call_key,
        name="call_key",
    ),
    path(
        "telephone/<slug:provider>/appel/<str:token>/fin/",
        phone_webhooks.call_ended,
        name="call_ended",
    ),
    path("telephone/<slug:provider>/recu/", phone_webhooks.text_received, name="text_received"),
]
