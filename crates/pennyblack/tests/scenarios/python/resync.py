"""imapclient as two clients of Alice. One goes away and comes back with what it knew: CONDSTORE and QRESYNC tell it the rest, and no more. Then both
work at once while mail arrives, and each ends with the picture that the server has."""
import datetime
import random
import smtplib
import threading

import imapclient

from session import ALICE, PASSWORDS, PORTS, TLS, letter


def client():
    connection = imapclient.IMAPClient("localhost", PORTS["imaps"], ssl_context=TLS, timeout=30)
    connection.login(ALICE, PASSWORDS[ALICE])
    return connection


def picture(connection):
    """Flags and MODSEQ of every message, by UID; without \\Recent, which is of one session alone (RFC 3501 section 2.3.2)."""
    fetched = connection.fetch(connection.search(), ["FLAGS", "MODSEQ"])
    return {uid: (frozenset(data[b"FLAGS"]) - {b"\\Recent"}, data[b"MODSEQ"][0]) for uid, data in fetched.items()}


def deliver(count):
    with smtplib.SMTP("localhost", PORTS["smtp"], timeout=30) as smtp:
        for number in range(count):
            assert smtp.send_message(letter("friend@elsewhere.test", ALICE, "arrival %d" % number)) == {}


def uids(words):
    """`b"(EARLIER) 3,5:7"` as numbers."""
    for member in words.split()[-1].split(b","):
        first, _, last = member.partition(b":")
        yield from range(int(first), int(last or first) + 1)


# Away: what the phone knows.
phone = client()
assert b"QRESYNC" in phone.enable("QRESYNC", "CONDSTORE")
opened = phone.select_folder("INBOX")
validity, modseq = opened[b"UIDVALIDITY"], opened[b"HIGHESTMODSEQ"]
known = picture(phone)
phone.logout()

# Meanwhile: messages appended several at once, mail that arrives, flags, moves and expunges.
desk = client()
desk.select_folder("INBOX")
then = datetime.datetime(2020, 2, 3, 4, 5, 6)
answer = desk.multiappend("INBOX", [
    b"Subject: first\r\n\r\n1\r\n",
    b"Subject: second\r\n\r\n2\r\n",
    {"msg": b"Subject: third\r\n\r\n3\r\n", "flags": [imapclient.SEEN], "date": then},
    {"msg": b"Subject: fourth\r\n\r\n4\r\n"},
])
assert answer[0] == "OK", answer
deliver(3)
desk.noop()
new = sorted(set(desk.search()) - set(known))
assert len(new) == 7, new
old = sorted(known)
assert len(old) >= 2, "the trial has sample mail"
desk.set_flags(new[1], [imapclient.FLAGGED, b"$Work"])
desk.add_flags(old[0], imapclient.ANSWERED, silent=True)
desk.move([new[0]], "Archive")
desk.delete_messages([old[1], new[2]])
desk.expunge()

# Back: told what happened since, nothing else.
phone = client()
phone.enable("QRESYNC")
imap = phone._imap
status, data = imap._simple_command("SELECT", "INBOX", "(QRESYNC (%d %d 1:%d))" % (validity, modseq, max(old)))
assert status == "OK", data
imap.state = "SELECTED"
gone = {uid for words in imap.untagged_responses.pop("VANISHED") for uid in uids(words)}
assert gone == {old[1]}, gone
told = imap.untagged_responses.pop("FETCH")
assert len(told) == 1 and b"\\Answered" in told[0] and b"UID %d" % old[0] in told[0], told
for uid in gone:
    del known[uid]
status, data = imap.uid("FETCH", "1:*", "(FLAGS)", "(CHANGEDSINCE %d VANISHED)" % modseq)
assert status == "OK", data
known.update(picture(phone))
assert known == picture(desk)
fetched = desk.fetch(new[3], ["BODY[]", "INTERNALDATE"])[new[3]]
assert b"fourth" in fetched[b"BODY[]"], fetched

# A STORE that would undo what another did is not done (UNCHANGEDSINCE), and says for which messages.
desk.add_flags(new[3], imapclient.FLAGGED)
before = known[new[3]][1]
status, data = imap.uid("STORE", str(new[3]), "(UNCHANGEDSINCE %d)" % before, "FLAGS", "()")
assert status == "OK" and imap.untagged_responses.get("MODIFIED") or b"MODIFIED" in data[0], data

# Both at once, while mail arrives.
arrivals = threading.Thread(target=deliver, args=(30,))
arrivals.start()


def work(connection, seed):
    chance = random.Random(seed)
    for _ in range(40):
        connection.noop()
        there = connection.search()
        if not there:
            continue
        uid = chance.choice(there)
        what = chance.randrange(4)
        if what == 0:
            connection.add_flags(uid, chance.choice([imapclient.SEEN, imapclient.FLAGGED, b"$Later"]))
        elif what == 1:
            connection.remove_flags(uid, imapclient.SEEN, silent=True)
        elif what == 2:
            connection.copy(uid, "Archive")
        else:
            connection.delete_messages(uid)
            connection.expunge()


plain = client()
plain.select_folder("INBOX")
workers = [threading.Thread(target=work, args=(connection, seed)) for seed, connection in enumerate([desk, plain])]
for worker in workers:
    worker.start()
for thread in workers + [arrivals]:
    thread.join()
for connection in [desk, plain]:
    connection.noop()
fresh = client()
counted = fresh.select_folder("INBOX")[b"EXISTS"]
truth = picture(fresh)
assert len(truth) == counted, (len(truth), counted)
assert picture(desk) == truth == picture(plain)
