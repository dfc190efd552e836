# What pyspf says of each line "IP HELO SENDER" on standard input. argv: host and port of the name server.
import socket, sys
import dns.message, dns.query, dns.rcode, dns.rdatatype
import spf

def look_up(name, kind, *more, **others):
    try:
        reply = dns.query.udp(dns.message.make_query(name, kind), sys.argv[1], port=int(sys.argv[2]), timeout=5)
    except Exception as why:
        raise spf.TempError(str(why))
    if reply.rcode() == dns.rcode.SERVFAIL:
        raise spf.TempError('SERVFAIL')
    found = []
    for rrset in reply.answer:
        kind = dns.rdatatype.to_text(rrset.rdtype)
        for data in rrset:
            value = {
                'TXT': lambda: tuple(data.strings), 'A': lambda: data.address,
                'AAAA': lambda: socket.inet_pton(socket.AF_INET6, data.address),
                'MX': lambda: (data.preference, data.exchange.to_text(True)),
                'PTR': lambda: data.target.to_text(True), 'CNAME': lambda: data.target.to_text(True),
            }.get(kind)
            if value:
                found.append(((name, kind), value()))
    return found

spf.DNSLookup = look_up
for line in sys.stdin:
    ip, helo, sender = line.split()
    print(spf.check2(i=ip, s='' if sender == '<>' else sender, h=helo, querytime=0)[0])
