"""Alice makes a mailbox, fills it by APPEND, COPY and MOVE, renames and deletes it; sizes and flags stay right throughout."""
import imaplib
import time

from session import ALICE, fetched, found, imap, letter

inbox = imap(ALICE)


def ok(answer):
    status, data = answer
    assert status == "OK", data
    return data


ok(inbox.create("Projects/Bridge"))
ok(inbox.subscribe("Projects/Bridge"))
octets = letter(ALICE, ALICE, "plan", "x" * 70_000 + "\n").as_bytes().replace(b"\n", b"\r\n")
for flags in ("", r"(\Seen)", r"(\Seen $Label1)"):
    ok(inbox.append("Projects/Bridge", flags, imaplib.Time2Internaldate(time.time()), octets))
status = ok(inbox.status("Projects/Bridge", "(MESSAGES UNSEEN UIDNEXT SIZE)"))[0]
assert b"MESSAGES 3" in status and b"UNSEEN 1" in status and b"SIZE %d" % (3 * len(octets)) in status, status

ok(inbox.select("Projects/Bridge"))
[uid] = found(inbox, "KEYWORD", "$Label1")
assert fetched(inbox, uid)["Subject"] == "plan"
ok(inbox.uid("COPY", uid, "Archive" if b"Archive" in b"".join(ok(inbox.list())) else "INBOX"))
ok(inbox.uid("MOVE", uid, "Trash"))
assert found(inbox, "ALL") == [b"1", b"2"], found(inbox, "ALL")

ok(inbox.rename("Projects/Bridge", "Projects/Tunnel"))
names = b"\n".join(ok(inbox.list()))
assert b"Projects/Tunnel" in names and b"Projects/Bridge" not in names, names
ok(inbox.select("Projects/Tunnel"))
ok(inbox.store("1:*", "+FLAGS", r"(\Deleted)"))
ok(inbox.expunge())
assert found(inbox, "ALL") == []
ok(inbox.close())
ok(inbox.delete("Projects/Tunnel"))
assert b"Projects/Tunnel" not in b"\n".join(ok(inbox.list()))

ok(inbox.select("Trash"))
[uid] = found(inbox, "KEYWORD", "$Label1")
assert len(ok(inbox.uid("FETCH", uid, "(BODY.PEEK[])"))[0][1]) == len(octets)
