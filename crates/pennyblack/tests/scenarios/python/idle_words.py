"""IDLE for imaplib, which does not have it."""
import re


def idle(connection):
    tag = connection._new_tag()
    connection.send(tag + b" IDLE\r\n")
    assert connection.readline().startswith(b"+"), "IDLE was refused"
    return tag


def told(connection, pattern):
    """Reads what the server says by itself until a line is like the pattern."""
    while True:
        line = connection.readline()
        assert line, "the server closed the connection"
        match = re.search(pattern, line)
        if match:
            return match


def done(connection, tag):
    connection.send(b"DONE\r\n")
    told(connection, rb"^" + tag + rb" OK")
