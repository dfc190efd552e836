"""Alice and Bob share the mailboxes of info@: both see what comes and what the other does; each has his own \\Seen."""
import os
import smtplib
import subprocess

from idle_words import done, idle, told
from session import ALICE, BOB, PORTS, found, imap, letter

INFO = "info@example.test"
PROGRAM, DATA = os.environ["PENNYBLACK"], os.environ["PENNYBLACK_DATA"]


def pennyblack(*words, stdin=None):
    subprocess.run([PROGRAM, "--data", DATA, *words], input=stdin, text=True, check=True, capture_output=True, timeout=60)


def ok(answer):
    status, data = answer
    assert status == "OK", data
    return data


def write(subject):
    with smtplib.SMTP("localhost", PORTS["smtp"], timeout=30) as smtp:
        assert smtp.send_message(letter("friend@elsewhere.test", INFO, subject)) == {}


pennyblack("account", "add", INFO, "--password-stdin", stdin="nobody logs in here\n")
pennyblack("share", "group", "add", "family", ALICE, BOB)
pennyblack("share", "public", INFO)
pennyblack("share", "set", INFO, "*", "$family", "write")
pennyblack("share", "seen", INFO, "INBOX", "own")

alice, bob = imap(ALICE), imap(BOB)
INBOX, SENT = "Shared/" + INFO, "Shared/" + INFO + "/Sent"
for one in (alice, bob):
    names = b"\n".join(ok(one.list()))
    assert INBOX.encode() in names and SENT.encode() in names, names
    assert ok(one.namespace())[0] == b'(("" "/")) NIL (("Shared/" "/"))'
    ok(one.select(INBOX))

tag = idle(bob)
write("to all of you")
told(bob, rb"^\* 1 EXISTS")
ok(alice.noop())
[uid] = found(alice, "UNSEEN")
ok(alice.uid("STORE", uid, "+FLAGS", r"(\Seen \Answered)"))
line = told(bob, rb"^\* 1 FETCH .*").group(0)
assert b"Answered" in line and b"Seen" not in line, line
done(bob, tag)
assert found(bob, "UNSEEN") == [uid] and found(alice, "UNSEEN") == []
assert b"UNSEEN 1" in ok(bob.status(INBOX, "(UNSEEN)"))[0]
assert b"UNSEEN 0" in ok(alice.status(INBOX, "(UNSEEN)"))[0]

# Out of the shared mailbox into one's own and back; the owner's quota counts what is his.
ok(bob.uid("COPY", uid, "Archive"))
ok(bob.uid("MOVE", uid, SENT))
ok(alice.noop())
assert found(alice, "ALL") == []
ok(alice.select(SENT))
assert len(found(alice, "ANSWERED")) == 1
ok(bob.select("Archive"))
assert len(found(bob, "ANSWERED UNSEEN")) == 1
pennyblack("check", "store")

# What is taken away is gone at once.
pennyblack("share", "remove", INFO, "*", "$family")
status, data = bob.select(INBOX)
assert status == "NO" and b"NONEXISTENT" in data[0], data
assert b"Shared" not in b"\n".join(ok(bob.list()))
