"""Opens connections to the server of the test, whose ready line is in the environment."""
import email
import email.policy
import imaplib
import json
import os
import smtplib
import ssl
from email.message import EmailMessage

TRIAL = json.loads(os.environ["TRIAL"])
PORTS = TRIAL["ports"]
PASSWORDS = {a["address"]: a["password"] for a in TRIAL["accounts"]}
ALICE, BOB = "alice@example.test", "bob@example.test"
TLS = ssl.create_default_context(cafile=TRIAL["ca"])


def imap(address):
    connection = imaplib.IMAP4_SSL("localhost", PORTS["imaps"], ssl_context=TLS, timeout=30)
    connection.login(address, PASSWORDS[address])
    connection.select("INBOX")
    return connection


def submissions(address):
    connection = smtplib.SMTP_SSL("localhost", PORTS["submissions"], context=TLS, timeout=30)
    connection.login(address, PASSWORDS[address])
    return connection


def submission(address):
    connection = smtplib.SMTP("localhost", PORTS["submission"], timeout=30)
    connection.starttls(context=TLS)
    connection.login(address, PASSWORDS[address])
    return connection


def letter(sender, to, subject, text="Hello.\n"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content(text)
    return message


def found(connection, *criteria):
    """UIDs that a search finds."""
    status, data = connection.uid("SEARCH", *criteria)
    assert status == "OK", data
    return data[0].split()


def fetched(connection, uid):
    """A message, parsed."""
    status, data = connection.uid("FETCH", uid, "(BODY.PEEK[])")
    assert status == "OK", data
    return email.message_from_bytes(data[0][1], policy=email.policy.default)
