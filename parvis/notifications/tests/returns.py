"""Reports as mail servers write them, for a letter that came back."""

from __future__ import annotations

POSTFIX = """\
Return-Path: <>
Delivered-To: {delivered}
Received: by mx.exemple.cmo (Postfix) id 4F1B2C; Mon, 23 Nov 2026 08:00:05 -0500 (EST)
Date: Mon, 23 Nov 2026 08:00:05 -0500 (EST)
From: MAILER-DAEMON@mx.exemple.cmo (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F1B2C.1700000000/mx.exemple.cmo"
Message-Id: <20261123130005.4F1B2C@mx.exemple.cmo>

This is a MIME-encapsulated message.

--4F1B2C.1700000000/mx.exemple.cmo
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.exemple.cmo.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

--4F1B2C.1700000000/mx.exemple.cmo
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.exemple.cmo
X-Postfix-Queue-ID: 4F1B2C
Arrival-Date: Mon, 23 Nov 2026 08:00:00 -0500 (EST)

{blocks}
--4F1B2C.1700000000/mx.exemple.cmo
Content-Description: Undelivered Message
Content-Type: message/rfc822

Return-Path: <{original}>
From: Alma <avis@localhost>
To: rita@exemple.cmo
Subject: L'eau peut etre brune

Elle reste bonne a boire.
--4F1B2C.1700000000/mx.exemple.cmo--
"""

BLOCK = """\
Final-Recipient: rfc822; rita@exemple.cmo
Original-Recipient: rfc822;rita@exemple.cmo
Action: {action}
Status: {status}
Diagnostic-Code: {diagnostic}
"""

EXIM = """\
Return-path: <>
Envelope-to: {way_back}
From: Mail Delivery System <Mailer-Daemon@mx.exemple.cmo>
X-Failed-Recipients: rita@exemple.cmo
Auto-Submitted: auto-replied
To: {way_back}
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

  rita@exemple.cmo
    {reason}
"""

VACATION = """\
Return-Path: <>
Delivered-To: {way_back}
From: Rita Gagnon <rita@exemple.ca>
To: {way_back}
Subject: Absence du bureau
Auto-Submitted: auto-replied
X-Auto-Response-Suppress: All

Je suis absente. Pour une urgence, composez le 550 555-0100.
"""

CHALLENGE = """\
Return-Path: <confirm@filtre.exemple>
Delivered-To: {way_back}
From: Filtre <confirm@filtre.exemple>
To: {way_back}
Subject: Confirmez votre message

Votre message 5.1.1 attend : cliquez ici.
"""

READ_RECEIPT = """\
Return-Path: <>
Delivered-To: {way_back}
From: rita@exemple.ca
To: {way_back}
Subject: Lu
Content-Type: multipart/report; report-type=disposition-notification; boundary="b"

--b
Content-Type: text/plain

Lu.
--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822; rita@exemple.ca
Disposition: manual-action/MDN-sent-manually; displayed
--b--
"""

QMAIL = """\
Return-Path: <>
Delivered-To: {way_back}
From: MAILER-DAEMON@mx.exemple.cmo
To: {way_back}
Subject: failure notice

Hi. This is the qmail-send program at mx.exemple.cmo.

<rita@exemple.cmo>:
Remote host said: {reason}
"""


def block(
    status: str = "5.1.1", diagnostic: str = "smtp; 550 5.1.1 User unknown", action: str = "failed"
) -> str:
    return BLOCK.format(status=status, diagnostic=diagnostic, action=action)


def report(way_back: str, *blocks: str, to: str = "", original: str = "avis@localhost") -> bytes:
    """A delivery status notification as Postfix writes it."""
    text = POSTFIX.format(
        delivered=way_back,
        to=to or way_back,
        original=original,
        blocks="\n".join(blocks or [block()]),
    )
    return text.encode()
