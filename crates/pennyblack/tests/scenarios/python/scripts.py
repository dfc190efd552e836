"""ManageSieve over TLS with SCRAM (RFC 5804, RFC 5802, RFC 7677), its hash as the argument: log in, store a script, see the server's proof;
a wrong password gets none, and nobody acts as another."""
import base64
import hashlib
import hmac
import re
import socket
import sys

from session import ALICE, BOB, PASSWORDS, PORTS, TLS

HASH = sys.argv[1]
PYTHON_HASH = HASH.replace("-", "").lower()
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
        assert f"SCRAM-{HASH} ".encode() in self.answer()

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

    def scram(self, secret, authzid=""):
        header = f"n,{authzid and 'a=' + authzid},"
        bare = "n=" + ALICE + ",r=rOprNGfwEbeRWgbNEkqO"
        self.say(f'AUTHENTICATE "SCRAM-{HASH}" "'.encode() + base64.b64encode((header + bare).encode()) + b'"')
        first = self.challenge()
        told = dict(part.split("=", 1) for part in first.split(","))
        salted = hashlib.pbkdf2_hmac(PYTHON_HASH, secret.encode(), base64.b64decode(told["s"]), int(told["i"]))
        mac = lambda key, text: hmac.new(key, text.encode(), PYTHON_HASH).digest()
        client_key = mac(salted, "Client Key")
        final = "c=" + base64.b64encode(header.encode()).decode() + ",r=" + told["r"]
        everything = ",".join([bare, first, final])
        signature = mac(hashlib.new(PYTHON_HASH, client_key).digest(), everything)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        final += ",p=" + base64.b64encode(proof).decode()
        self.say(b'"' + base64.b64encode(final.encode()) + b'"')
        return "v=" + base64.b64encode(mac(mac(salted, "Server Key"), everything)).decode()


session = Session()
session.scram("wrong")
session.answer(b"NO")
session.scram(PASSWORDS[ALICE], BOB)
assert b"act as another" in session.answer(b"NO")
proof = session.scram(PASSWORDS[ALICE], ALICE.upper())
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
