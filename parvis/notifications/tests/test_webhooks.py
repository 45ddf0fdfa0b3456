"""What a mail provider reports: believed with the secret and our signature, and once."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from parvis.core.db import as_town
from parvis.notifications import actions, dispatch
from parvis.notifications.channels.email import bounce_address
from parvis.notifications.models import BadAddress, Opening, Outcome, Subscription
from parvis.notifications.tests import make as notify
from parvis.notifications.tests.test_bounces import CONTENT, email_figures, send
from parvis.residents.tests import make

SECRET = "anymail:un-long-secret"


@pytest.fixture
def open_town(db):
    from parvis.municipalities.tests import make as towns

    return towns.municipality("alma")


@pytest.fixture(autouse=True)
def provider(settings):
    """Letters go through anymail, as with a provider, and stay in `mail.outbox`."""
    settings.EMAIL_BACKEND = "anymail.backends.test.EmailBackend"
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": "cle-de-mailgun"}


@pytest.fixture
def at_alma(client, open_town):
    return make.visitor(client, open_town)


def identity():
    """What the last letter's provider keeps with it, to say in its reports."""
    return mail.outbox[-1].anymail_test_params["metadata"]


def postmark(metadata, **facts):
    """A report as Postmark posts it."""
    return {
        "RecordType": "Bounce",
        "ID": 4323372036854775807,
        "Type": "HardBounce",
        "TypeCode": 1,
        "Tag": "",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": metadata,
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
        "Email": "rita@exemple.cmo",
        "From": "avis@localhost",
        "BouncedAt": "2026-11-23T13:00:00Z",
        "Inactive": True,
        "CanActivate": True,
        **facts,
    }


def post(client, body, *, secret=SECRET, provider="postmark", host="alma.localhost"):
    headers = {"Host": host}
    if secret:
        headers["Authorization"] = f"Basic {b64encode(secret.encode()).decode()}"
    return client.post(
        f"/mes-avis/rebonds/{provider}/",
        json.dumps(body),
        content_type="application/json",
        headers=headers,
    ).status_code


def test_a_hard_bounce_is_written_once_and_the_address_closed(at_alma, open_town):
    message = send(open_town, "rita@exemple.cmo")
    assert email_figures(message) == ((1, 0, 0), (1, 0))
    for _ in range(3):
        assert post(at_alma, postmark(identity())) == 200
    assert email_figures(message) == ((0, 1, 0), (0, 1))
    with as_town(open_town.pk):
        assert Outcome.objects.of(open_town).filter(state="bounced").count() == 1
        assert BadAddress.objects.of(open_town).get().reason == "bounced"


def test_mailgun_signs_its_reports(at_alma, open_town):
    message = send(open_town, "rita@exemple.cmo")

    def body(key):
        signed = hmac.new(key, b"1763902800" + b"a" * 50, hashlib.sha256).hexdigest()
        return {
            "signature": {"timestamp": "1763902800", "token": "a" * 50, "signature": signed},
            "event-data": {
                "id": "G9Bn5sl1TC6nu79C8C0bwg",
                "timestamp": 1763902800.5,
                "event": "failed",
                "severity": "permanent",
                "reason": "bounce",
                "recipient": "rita@exemple.cmo",
                "delivery-status": {"code": 550, "message": "5.1.1 No such user"},
                "message": {"headers": {"message-id": "x@localhost"}},
                "user-variables": identity(),
            },
        }

    assert post(at_alma, body(b"une-autre-cle"), provider="mailgun") == 400
    assert email_figures(message)[0] == (1, 0, 0)
    assert post(at_alma, body(b"cle-de-mailgun"), provider="mailgun") == 200
    assert email_figures(message)[0] == (0, 1, 0)


@pytest.mark.parametrize("secret", ["", "anymail:autre", "x"])
def test_without_the_secret_nothing_is_noted(at_alma, open_town, secret):
    message = send(open_town, "rita@exemple.cmo")
    assert post(at_alma, postmark(identity()), secret=secret) == 400
    assert email_figures(message) == ((1, 0, 0), (1, 0))


@pytest.mark.parametrize("anymail", [{}, {"WEBHOOK_SECRET": ""}])
def test_where_no_secret_is_set_the_door_is_closed(at_alma, open_town, settings, anymail):
    message = send(open_town, "rita@exemple.cmo")
    settings.ANYMAIL = anymail
    assert post(at_alma, postmark(identity())) == 403
    assert email_figures(message) == ((1, 0, 0), (1, 0))


@pytest.mark.parametrize("name", ["inconnu", "inbound", "mandrill_inbound"])
def test_there_is_no_other_door(at_alma, name):
    assert post(at_alma, {}, provider=name) == 404


def test_an_identity_that_we_did_not_sign_is_ignored(at_alma, open_town, caplog):
    message = send(open_town, "rita@exemple.cmo")
    ours = identity()["parvis"]
    for metadata in (
        {},
        {"parvis": ours.replace(f"+{open_town.pk}.", f"+{open_town.pk + 1}.")},
        {"parvis": ours[:-1] + ("b" if ours.endswith("a") else "a")},
        {"parvis": ["retour+1.1.1.x"]},
        {"parvis": "retour+" + "9" * 9000 + ".1.1.x"},
    ):
        assert post(at_alma, postmark(metadata)) == 200
    assert email_figures(message) == ((1, 0, 0), (1, 0))
    assert caplog.text.count("ignored") == 5


def test_a_report_at_another_towns_host_counts_for_the_town_of_the_letter(at_alma, open_town):
    from parvis.municipalities.tests import make as towns

    isle = towns.municipality("isle")
    message = send(open_town, "rita@exemple.cmo")
    assert post(at_alma, postmark(identity()), host="isle.localhost") == 200
    assert email_figures(message) == ((0, 1, 0), (0, 1))
    with as_town(isle.pk):
        assert Outcome.objects.of(isle).count() == BadAddress.objects.of(isle).count() == 0


@pytest.mark.parametrize(
    "facts",
    [
        {"Type": "SoftBounce", "Details": "smtp;552 5.2.2 mailbox full"},
        {"Type": "SoftBounce", "Details": "no answer", "Description": "Unable to deliver"},
        {"Type": "Blocked", "Details": "smtp;550 5.7.1 rejected by policy"},
    ],
)
def test_a_passing_fault_counts_and_leaves_the_address_open(at_alma, open_town, facts):
    message = send(open_town, "rita@exemple.cmo")
    assert post(at_alma, postmark(identity(), **facts)) == 200
    assert email_figures(message) == ((0, 1, 0), (0, 1))
    with as_town(open_town.pk):
        assert BadAddress.objects.of(open_town).count() == 0


@pytest.mark.parametrize(
    "facts",
    [
        {"RecordType": "Delivery", "DeliveredAt": "2026-11-23T13:00:00Z"},
        {"RecordType": "Open", "ReceivedAt": "2026-11-23T13:00:00Z"},
        {"RecordType": "Click", "OriginalLink": "https://alma.localhost/"},
        {"Type": "Transient"},
        {"Type": "AutoResponder"},
    ],
)
def test_what_is_neither_a_return_nor_a_leaving_changes_nothing(at_alma, open_town, facts):
    message = send(open_town, "rita@exemple.cmo")
    before = email_figures(message)
    assert post(at_alma, postmark(identity(), **facts)) == 200
    assert email_figures(message) == before
    assert post(at_alma, postmark(identity())) == 200
    assert post(at_alma, postmark(identity(), **facts)) == 200
    assert email_figures(message) == ((0, 1, 0), (0, 1))
    with as_town(open_town.pk):
        assert Opening.objects.of(open_town).count() == 0


def test_who_calls_it_spam_receives_no_more_of_the_subject_and_was_reached(at_alma, open_town):
    message = send(open_town, "rita@exemple.ca", channels=("email", "inapp"))
    with as_town(open_town.pk):
        rues = notify.subject(open_town, "Rues")
        kept = notify.subscription(Subscription.objects.of(open_town)[0].resident, rues)
    report = postmark(identity(), RecordType="SpamComplaint", Type="SpamComplaint")
    for _ in range(2):
        assert post(at_alma, report) == 200
    assert email_figures(message) == ((1, 0, 0), (1, 0))
    with as_town(open_town.pk):
        left = Subscription.objects.of(open_town).order_by("pk")
        assert [row.channel for row in left] == ["inapp", "email"]
        assert left[1].pk == kept.pk
        assert BadAddress.objects.of(open_town).count() == 0


def test_an_emergency_called_spam_ends_nothing(at_alma, open_town):
    with as_town(open_town.pk):
        urgent = notify.subject(open_town, "Urgences", is_emergency=True)
        eau = notify.subject(open_town)
        notify.subscription(make.resident(open_town, email="rita@exemple.ca"), eau)
        actions.send_message(
            municipality=open_town, kind="alerts.issued", content=CONTENT, subject=urgent,
            now=timezone.now() - timedelta(hours=1), channels=["email"],
        )  # fmt: skip
    dispatch.drain()
    assert (
        post(at_alma, postmark(identity(), RecordType="SpamComplaint", Type="SpamComplaint")) == 200
    )
    with as_town(open_town.pk):
        assert Subscription.objects.of(open_town).count() == 1


def test_a_letter_no_longer_known_is_answered_and_changes_nothing(at_alma, open_town):
    send(open_town, "rita@exemple.ca")
    token = bounce_address(open_town.pk, 10**6, 1).partition("@")[0]
    for kind in ("HardBounce", "SpamComplaint"):
        assert post(at_alma, postmark({"parvis": token}, Type=kind)) == 200


def test_smtp_carries_the_identity_in_the_envelope_alone(open_town):
    with notify.mail_server() as box:
        send(open_town, "rita@exemple.ca")
    (letter,), ((sender, _to),) = box.letters, box.envelopes
    assert sender.startswith("retour+")
    assert sender.partition("@")[0] not in letter.as_string()


@pytest.mark.parametrize("name", ["Ville d’Alma", 'L\'Isle "du" Lac, Saint-Élie <x@y.z>', "Alma"])
def test_the_towns_name_is_the_sender_by_smtp_and_by_a_provider(open_town, settings, name):
    open_town.name = name
    open_town.save()
    send(open_town, "rita@exemple.ca")
    sender = mail.outbox[-1].anymail_test_params["from"]
    assert (sender.display_name, sender.addr_spec) == (name, "avis@localhost")
    with notify.mail_server() as box, as_town(open_town.pk):
        eau = Subscription.objects.of(open_town)[0].subject
        actions.send_message(
            municipality=open_town, kind="announcements.published", content=CONTENT, subject=eau,
            now=timezone.now() - timedelta(hours=1), channels=["email"],
        )  # fmt: skip
        dispatch.drain()
    (letter,) = box.letters
    (sent,) = letter["From"].addresses
    assert (sent.display_name, sent.addr_spec) == (name, "avis@localhost")
