"""Thunderbird, as a user of it sees the server (W23): it finds the folders by their use, keeps the whole INBOX for offline reading, is told at once
what others change and what arrives, and what the user does in it is done on the server. It shows the quota (P10)."""
import os
import smtplib
import subprocess

from marionette import Thunderbird, eventually
from session import ALICE, PASSWORDS, PORTS, TRIAL, found, imap, letter

ACCOUNT = {
    "mail.accountmanager.accounts": "account1,account2",
    "mail.accountmanager.defaultaccount": "account1",
    "mail.accountmanager.localfoldersserver": "server2",
    "mail.account.account1.identities": "id1",
    "mail.account.account1.server": "server1",
    "mail.account.account2.server": "server2",
    "mail.identity.id1.fullName": "Alice",
    "mail.identity.id1.useremail": ALICE,
    "mail.identity.id1.valid": True,
    "mail.server.server1.type": "imap",
    "mail.server.server1.hostname": "localhost",
    "mail.server.server1.port": PORTS["imaps"],
    "mail.server.server1.socketType": 3,
    "mail.server.server1.authMethod": 3,
    "mail.server.server1.userName": ALICE,
    "mail.server.server1.name": "alice",
    "mail.server.server1.login_at_startup": False,
    "mail.server.server1.check_new_mail": False,
    "mail.server.server1.offline_download": True,
    "mail.server.server2.type": "none",
    "mail.server.server2.hostname": "Local Folders",
    "mail.server.server2.userName": "nobody",
    "mail.server.server2.name": "Local Folders",
}
FLAGGED, READ, OFFLINE, REPLIED = 0x4, 0x1, 0x80, 0x2


def mailboxes():
    return sorted(imap(ALICE).list()[1])


def flags(client, subject):
    return client.run("return message(given[0])?.flags;", subject)


def log_in(client):
    """Trusts the CA, remembers the password, asks which folders there are."""
    with open(TRIAL["ca"]) as file:
        certificate = "".join(line.strip() for line in file if "-----" not in line)
    client.run("""
        Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(given[0], "C,C,C");
        const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
        login.init("imap://localhost", null, "imap://localhost", given[1], given[2], "", "");
        await Services.logins.addLoginAsync(login);
    """, certificate, ALICE, PASSWORDS[ALICE])
    update(client)
    client.run("server.performExpand(window.msgWindow);")
    eventually(lambda: client.run("return folder(Ci.nsMsgFolderFlags.Trash) != null;"))


def update(client):
    status = client.run("return await new Promise(done => inbox.updateFolderWithListener(null, listener(done)));")
    assert status == 0, hex(status)


def deliver(subject, text):
    with smtplib.SMTP("localhost", PORTS["smtp"], timeout=30) as smtp:
        assert smtp.send_message(letter("friend@elsewhere.test", ALICE, subject, text)) == {}


def downloaded(client):
    """All of INBOX as it is on the disk, once it is."""
    status = client.run("return await new Promise(done => inbox.downloadAllForOffline(listener(done), null));")
    assert status == 0, hex(status)
    eventually(lambda: client.run("return [...inbox.msgDatabase.enumerateMessages()].every(each => each.flags & 0x80);"))
    return client.run("return await IOUtils.readUTF8(inbox.filePath.path).catch(() => '');")


before = mailboxes()
desk = imap(ALICE)
deliver("to be kept", "Words that only this letter has: quokka marzipan.\n")
desk.noop()
everything = len(found(desk, "ALL"))
with Thunderbird(ACCOUNT) as client:
    log_in(client)
    # Each folder by its use, and none made anew.
    uses = client.run("""
        const uses = {Drafts: "Drafts", Sent: "SentMail", Junk: "Junk", Trash: "Trash", Archive: "Archive"};
        return Object.entries(uses).map(([name, use]) => [name, folder(Ci.nsMsgFolderFlags[use])?.name]);
    """)
    assert all(name == found_name for name, found_name in uses), uses
    eventually(lambda: client.run("return inbox.getTotalMessages(false);") == everything)
    [kept] = found(desk, "SUBJECT", '"to be kept"')
    assert "quokka marzipan" in downloaded(client)

    # What another client does and what arrives, it is told while it idles: nobody asks it to look.
    desk.uid("STORE", kept, "+FLAGS", r"(\Flagged \Answered)")
    eventually(lambda: flags(client, "to be kept") & (FLAGGED | REPLIED) == FLAGGED | REPLIED)
    deliver("just in", "News.\n")
    eventually(lambda: flags(client, "just in") is not None)
    desk.noop()
    [new] = found(desk, "SUBJECT", '"just in"')

    # What its user does.
    client.run("""
        inbox.markMessagesRead([message("just in")], true);
        inbox.markMessagesFlagged([message("just in")], true);
    """)
    eventually(lambda: desk.noop() and found(desk, "UID", new.decode(), "SEEN", "FLAGGED"))
    client.run("""
        inbox.deleteMessages([message("to be kept")], window.msgWindow, false, false, null, false);
    """)
    eventually(lambda: desk.noop() and not found(desk, "UID", kept.decode(), "NOT", "DELETED"))
    trash = imap(ALICE)
    trash.select("Trash")
    assert len(found(trash, "SUBJECT", '"to be kept"', "FLAGGED", "ANSWERED")) == 1

    # How full the mailbox is.
    quota = eventually(lambda: client.run("return inbox.getQuota().map(each => [each.name, Number(each.usage), Number(each.limit)]);"))
    told = desk.getquotaroot("INBOX")[1][1][0].decode()
    storage = [each for each in quota if each[0].endswith("STORAGE")]
    assert len(storage) == 1 and f"STORAGE {storage[0][1]} {storage[0][2]}" in told, (quota, told)

assert mailboxes() == before

# It works by what the server announces to it.
program = [os.environ["PENNYBLACK"], "metrics", "--data", os.environ["PENNYBLACK_DATA"]]
counters = subprocess.run(program, check=True, capture_output=True, text=True).stdout
for command in "COMPRESS", "ENABLE", "ID", "IDLE", "NAMESPACE":
    assert f'imap_command_seconds_count{{command="{command}"}}' in counters, f"{command} was not used"
