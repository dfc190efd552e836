"""Bob writes to Alice; she reads it and replies over 465 and over 587; Bob finds both replies in the thread."""
from email.utils import make_msgid

from session import ALICE, BOB, fetched, found, imap, letter, submission, submissions

question = letter(BOB, ALICE, "Grüße und eine Frage", "Kommst du mit?\n")
question["Message-ID"] = make_msgid(domain="example.test")
with submission(BOB) as smtp:
    assert smtp.send_message(question) == {}

inbox = imap(ALICE)
[uid] = found(inbox, "HEADER", "Message-ID", f'"{question["Message-ID"]}"')
received = fetched(inbox, uid)
assert received["Subject"] == "Grüße und eine Frage", received["Subject"]
assert received["Date"], "a Date field was to be there"

for way in (submissions, submission):
    answer = letter(ALICE, received["From"], "Re: " + received["Subject"], f"Ja! ({way.__name__})\n")
    answer["In-Reply-To"] = answer["References"] = received["Message-ID"]
    with way(ALICE) as smtp:
        assert smtp.send_message(answer) == {}

inbox = imap(BOB)
replies = found(inbox, "HEADER", "In-Reply-To", f'"{question["Message-ID"]}"')
texts = sorted(fetched(inbox, uid).get_content().strip() for uid in replies)
assert texts == ["Ja! (submission)", "Ja! (submissions)"], texts
for uid in replies:
    assert fetched(inbox, uid)["Message-ID"], "a Message-ID was to be added"
