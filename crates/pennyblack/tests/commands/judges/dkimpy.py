# Signs and seals messages with dkimpy, says what dkimpy makes of them, and prints all of it as JSON.
# argv: RSA key (PEM), its TXT record, ed25519 seed (base64), its TXT record, a folder for the messages
import json, sys
import dkim

pem = open(sys.argv[1], 'rb').read()
seed = sys.argv[3].encode()
records = {'r._domainkey.signer.example': sys.argv[2], 'e._domainkey.signer.example': sys.argv[4]}

def txt(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    found = records.get(name.rstrip('.'))
    return found.encode() if found else None

LETTER = (b'Authentication-Results: lists.example; spf=pass smtp.mailfrom=a@signer.example; dkim=pass header.d=signer.example\r\n'
          b'From: Someone <a@signer.example>\r\nTo: b@far.example\r\nSubject: Tea  at\r\n\t five\r\nDate: Fri, 20 Nov 2026 14:13:44 +0000\r\n'
          b'Message-ID: <tea@signer.example>\r\n\r\nAt  five. \r\n\r\nYours\r\n\r\n\r\n')
cases = []

def add(name, message):
    results = []
    for index in range(message.lower().count(b'dkim-signature:')):
        try:
            results.append(bool(dkim.DKIM(message).verify(idx=index, dnsfunc=txt)))
        except dkim.DKIMException:
            results.append(False)
    chain = dkim.arc_verify(message, dnsfunc=txt)[0].decode() if b'ARC-Seal' in message else 'none'
    file = f'{sys.argv[5]}/{len(cases)}.eml'
    open(file, 'wb').write(message)
    cases.append({'name': name, 'file': file, 'dkim': results, 'arc': chain})

signed = {}
for header in (b'simple', b'relaxed'):
    for body in (b'simple', b'relaxed'):
        name = f'{header.decode()}/{body.decode()}'
        field = dkim.sign(LETTER, b'r', b'signer.example', pem, canonicalize=(header, body), linesep=b'\r\n')
        signed[name] = field + LETTER
        add(f'rsa {name}', field + LETTER)
        add(f'rsa {name}, body changed', (field + LETTER).replace(b'Yours', b'Theirs'))
        add(f'rsa {name}, blanks changed', (field + LETTER).replace(b'At  five. ', b'At five.').replace(b'Tea  at\r\n\t five', b'Tea at five'))
        add(f'rsa {name}, subject changed', (field + LETTER).replace(b'Tea', b'Gin'))
field = dkim.sign(LETTER, b'e', b'signer.example', seed, signature_algorithm=b'ed25519-sha256', canonicalize=(b'relaxed', b'relaxed'), linesep=b'\r\n')
add('ed25519', field + LETTER)
add('ed25519, body changed', (field + LETTER).replace(b'Yours', b'Theirs'))
add('both', field + signed['relaxed/relaxed'])
add('no key', signed['relaxed/relaxed'].replace(b's=r;', b's=q;'))
add('oversigned', dkim.sign(LETTER, b'r', b'signer.example', pem, include_headers=[b'from', b'from', b'to', b'subject', b'subject'], linesep=b'\r\n') + LETTER)
add('no body', dkim.sign(b'From: a@signer.example\r\n\r\n', b'r', b'signer.example', pem, linesep=b'\r\n') + b'From: a@signer.example\r\n\r\n')

once = b''.join(dkim.arc_sign(LETTER, b'r', b'signer.example', pem, b'lists.example', linesep=b'\r\n')) + LETTER
twice = b''.join(dkim.arc_sign(once, b'r', b'signer.example', pem, b'lists.example', linesep=b'\r\n')) + once
for name, message in (('one seal', once), ('two seals', twice)):
    add(name, message)
    add(f'{name}, body changed', message.replace(b'Yours', b'Theirs'))
    add(f'{name}, subject changed', message.replace(b'Tea', b'Gin'))
    add(f'{name}, results changed', message.replace(b'spf=pass', b'spf=fail', 1))
    add(f'{name}, set missing', message.replace(b'ARC-Seal: i=1;', b'X-Seal: i=1;', 1))
    add(f'{name}, no key', message.replace(b's=r;', b's=q;'))
json.dump(cases, sys.stdout)
