"""Two clients of Alice on one mailbox: what comes, what one of them flags and expunges, the idle one is told at once."""
import smtplib

from idle_words import done, idle, told
from session import ALICE, PORTS, found, imap, letter

watcher, actor = imap(ALICE), imap(ALICE)
tag = idle(watcher)

with smtplib.SMTP("localhost", PORTS["smtp"], timeout=30) as smtp:
    assert smtp.send_message(letter("friend@elsewhere.test", ALICE, "wake up")) == {}
number = int(told(watcher, rb"^\* (\d+) EXISTS").group(1))

actor.noop()
[uid] = found(actor, "SUBJECT", '"wake up"')
status, data = actor.uid("STORE", uid, "+FLAGS", r"(\Flagged $Forwarded)")
assert status == "OK", data
line = told(watcher, rb"^\* %d FETCH .*" % number).group(0)
assert b"\\Flagged" in line and b"$Forwarded" in line, line

actor.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")
told(watcher, rb"^\* %d FETCH .*Deleted" % number)
status, data = actor.expunge()
assert status == "OK", data
told(watcher, rb"^\* %d EXPUNGE" % number)
done(watcher, tag)
assert found(watcher, "SUBJECT", '"wake up"') == []

# A client that does not idle is told with its next command.
tag = idle(actor)
with smtplib.SMTP("localhost", PORTS["smtp"], timeout=30) as smtp:
    assert smtp.send_message(letter("friend@elsewhere.test", ALICE, "again")) == {}
told(actor, rb"^\* \d+ EXISTS")
done(actor, tag)
watcher.noop()
assert len(found(watcher, "SUBJECT", '"again"')) == 1
