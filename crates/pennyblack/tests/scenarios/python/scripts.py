"""ManageSieve over TLS with SCRAM-SHA-256 (RFC 5804, RFC 7677): log in, store a script, see the server's proof; a wrong password gets none."""
import base64
import hashlib
import hmac
import re
import socket

from session import ALICE, PASSWORDS, PORTS, TLS

LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


class Session:
    def __init__(self):
        self.socket = socket.create_connection(("localhost", PORTS["managesieve"]), timeout=30)
        self.file = self.socket.makefile("rwb")
        self.answer()
        self.say(b"STARTTLS")
        self.answer()
        self.socket = TLS.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rwb")
        assert b"SCRAM-SHA-256" in self.answer()

    def say(self, line):
        self.file.write(line + b"\r\n")
        self.file.flush()

    def line(self):
        line = self.file.readline()
        assert line, "the server closed the connection"
        literal = LITERAL.search(line)
        if literal:
            line += self.file.read(int(literal[1])) + self.file.readline()
        return line

    def answer(self, word=b"OK"):
        lines = b""
        while True:
            line = self.line()
            lines += line
            if line.startswith((b"OK", b"NO", b"BYE")):
                assert line.startswith(word), lines
                return lines

    def challenge(self):
        line = self.line()
        assert line.startswith((b'"', b"{")), line
        text = LITERAL.split(line)[-1] if line.startswith(b"{") else line
        return base64.b64decode(text.strip().strip(b'"')).decode()

    def scram(self, secret):
        bare = "n=" + ALICE + ",r=rOprNGfwEbeRWgbNEkqO"
        self.say(b'AUTHENTICATE "SCRAM-SHA-256" "' + base64.b64encode(("n,," + bare).encode()) + b'"')
        first = self.challenge()
        told = dict(part.split("=", 1) for part in first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), base64.b64decode(told["s"]), int(told["i"]))
        mac = lambda key, text: hmac.new(key, text.encode(), "sha256").digest()
        client_key = mac(salted, "Client Key")
        final = "c=biws,r=" + told["r"]
        everything = ",".join([bare, first, final])
        signature = mac(hashlib.sha256(client_key).digest(), everything)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        final += ",p=" + base64.b64encode(proof).decode()
        self.say(b'"' + base64.b64encode(final.encode()) + b'"')
        return "v=" + base64.b64encode(mac(mac(salted, "Server Key"), everything)).decode()


session = Session()
session.scram("wrong")
session.answer(b"NO")
proof = session.scram(PASSWORDS[ALICE])
said = session.answer()
shown = re.search(rb'SASL "([^"]+)"', said)
assert shown and base64.b64decode(shown[1]).decode() == proof, (said, proof)
script = b'require "fileinto";\r\nfileinto "Archive";\r\n'
session.say(b'PUTSCRIPT "mine" {%d+}\r\n' % len(script) + script)
session.answer()
session.say(b"LISTSCRIPTS")
assert session.answer() == b'"mine"\r\nOK\r\n'
session.say(b"LOGOUT")
session.answer()
