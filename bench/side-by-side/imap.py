#!/usr/bin/env python3
"""What IMAP costs beside Dovecot: the operations that the harness of `make bench` does not have, in the same run.

    imap.py reading   [--sizes 10000,100000] [--targets dovecot,pennyblack]
    imap.py idle      [--idle 1000]               idle TLS connections: memory of each, CPU of a log-in
    imap.py append    [--large 500000]            APPEND and a flag change in an empty mailbox and in a large one
    imap.py large     [--large 1000000]           one mailbox of a million messages
    imap.py mailboxes [--mailboxes 10000]         one account with so many mailboxes

Needs root, and the harness in BENCH_HARNESS (default ../shared/bench beside the project). PENNYBLACK_BIN is the program to measure (a
release build). Figures are CPU milliseconds of all processes of the server, and wall-clock milliseconds; the load average stands with them.
"""
import argparse, json, os, random, re, subprocess, sys, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HARNESS = Path(os.environ.get("BENCH_HARNESS", ROOT.parent / "shared/bench"))
os.environ.setdefault("BENCH_TARGETS", str(HERE))
os.environ.setdefault("PENNYBLACK_BIN", str(ROOT / "target/release/pennyblack"))
sys.path.insert(0, str(HARNESS))
import bench  # noqa: E402

ROWS = []


def measure(target, metric, work):
    """Does some work and notes what it cost the server."""
    cpu, wall = target.cpu(), time.time()
    try:
        result = work()
        error = None
    except (RuntimeError, OSError) as failed:
        result, error = None, str(failed)[:200]
    wall = time.time() - wall
    time.sleep(0.05)
    row = dict(target=target.name, metric=metric, cpu_ms=(target.cpu() - cpu) * 1000, wall_ms=wall * 1000, load=os.getloadavg()[0], error=error)
    note(row)
    return result


def note(row):
    ROWS.append(row)
    shown = {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items() if value is not None}
    print(json.dumps(shown), flush=True)


def connect(target, user, box="INBOX"):
    client = bench.Imap(target.imap, timeout=900, spread=True).login(user)
    if box:
        client.cmd(f"SELECT {box}", keep=False)
    return client


def settle(target, seconds=60):
    """Waits until the server does nothing any more."""
    end, before = time.time() + seconds, target.cpu()
    while time.time() < end:
        time.sleep(1)
        now = target.cpu()
        if now - before < 0.01:
            return
        before = now


# -------------------------------------------------------------- reading ------
def reading(targets, options):
    for size in options.sizes:
        user = {10000: "big10k", 100000: "big100k"}[size]
        for target in targets:
            measure(target, f"{size} fill", lambda: bench.preload(target, user, size))
            settle(target)
        for _ in range(options.repeat):
            for target in targets:
                read(target, user, size)
        for target in targets:
            if target.name == "pennyblack":
                with_index(target, user, size)
        for target in targets:
            write(target, user, size)


def read(target, user, size):
    measure(target, f"{size} LOGIN and SELECT", lambda: connect(target, user).close())
    client = connect(target, user)
    run = lambda name, command: measure(target, f"{size} {name}", lambda: client.cmd(command, keep=False)[0])
    run("FETCH FLAGS", "FETCH 1:* (FLAGS UID)")
    run("FETCH ENVELOPE", "FETCH 1:* (ENVELOPE)")
    choose = random.Random(5)
    numbers = [choose.randrange(1, size + 1) for _ in range(1000)]
    measure(target, f"{size} 1,000 random bodies", lambda: [client.cmd(f"FETCH {n} BODY.PEEK[]", keep=False) for n in numbers])
    run("SEARCH BODY", "SEARCH BODY nosuchwordhere")
    # A server may index in the background what was searched: that is no cost of what comes next, and stands by itself.
    measure(target, f"{size} in the background", lambda: settle(target, 300))
    run("SEARCH SUBJECT", "SEARCH SUBJECT contract")
    run("SEARCH HEADER", "SEARCH HEADER Message-ID 77.x")
    run("SORT DATE", "SORT (DATE) UTF-8 ALL")
    run("SORT SUBJECT", "SORT (SUBJECT) UTF-8 ALL")
    run("THREAD REFERENCES", "THREAD REFERENCES UTF-8 ALL")
    run("STORE", "STORE 1:* +FLAGS (\\Seen)")
    client.cmd("STORE 1:* -FLAGS.SILENT (\\Seen)", keep=False)
    resync(target, user, size)
    client.close()


def resync(target, user, size):
    """A client comes back after 1 % of the flags have changed, and 0.1 % of the messages have gone."""
    client = bench.Imap(target.imap, timeout=900, spread=True).login(user)
    client.cmd("ENABLE QRESYNC")
    _, answer = client.cmd("SELECT INBOX")
    validity, modseq = (re.search(name + rb" (\d+)", answer)[1].decode() for name in (b"UIDVALIDITY", b"HIGHESTMODSEQ"))
    other = connect(target, user)
    for n in range(1, size, 100):
        other.cmd(f"STORE {n} +FLAGS.SILENT (\\Flagged)", keep=False)
    client.cmd("UNSELECT")
    settle(target, 5)
    measure(target, f"{size} resync after 1 %", lambda: client.cmd(f"SELECT INBOX (QRESYNC ({validity} {modseq}))", keep=False)[0])
    other.cmd("STORE 1:* -FLAGS.SILENT (\\Flagged)", keep=False)
    other.close()
    client.close()


def with_index(target, user, size):
    config = target.inst / "pennyblack.toml"
    command = [os.environ["PENNYBLACK_BIN"], "--config", str(config), "reindex", f"{user}@{bench.DOMAIN}"]
    measure(target, f"{size} making the index", lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    client = connect(target, user)
    for _ in range(3):
        run = lambda name, command: measure(target, f"{size} {name}", lambda: client.cmd(command, keep=False)[0])
        run("SEARCH BODY with index", "SEARCH BODY nosuchwordhere")
        run("SEARCH BODY with index, 1 % found", "SEARCH BODY xylophonequartz")
        run("SEARCH HEADER with index", "SEARCH HEADER Message-ID 77.x")
    client.close()


def write(target, user, size):
    client = connect(target, user)
    client.cmd("CREATE Copies")
    client.cmd("CREATE Moved")
    measure(target, f"{size} COPY of 10,000", lambda: client.cmd("COPY 1:10000 Copies", keep=False))
    client.cmd("SELECT Copies", keep=False)
    measure(target, f"{size} MOVE of 10,000", lambda: client.cmd("MOVE 1:10000 Moved", keep=False))
    client.cmd("SELECT Moved", keep=False)
    client.cmd("STORE 1:* +FLAGS.SILENT (\\Deleted)", keep=False)
    measure(target, f"{size} EXPUNGE of 10,000", lambda: client.cmd("EXPUNGE", keep=False))
    client.close()


# ----------------------------------------------------------------- idle ------
def idle(targets, options):
    for target in targets:
        # The password is checked once, as in life.
        connect(target, "idle").close()
        for row in bench.test_mem(target, options):
            note(dict(row, target=target.name, load=os.getloadavg()[0]))


# --------------------------------------------------------------- append ------
def append(targets, options):
    """What one more message and one changed flag cost, in an empty mailbox and in a large one."""
    for target in targets:
        fill(target, "u5", "Large", options.large)
        for round in range(3):
            for box in ("Small", "Large"):
                appends(target, "u5", box, f"round {round}, {box}")


def appends(target, user, box, name):
    client = connect(target, user, None)
    if box == "Small":
        for command in ("DELETE Small", "CREATE Small"):
            try:
                client.cmd(command)
            except RuntimeError:
                pass
    measure(target, f"500 APPENDs, {name}", lambda: [client.append(bench.message(n), box) for n in range(500)])
    client.cmd(f"SELECT {box}", keep=False)
    last = client.exists(box)
    numbers = range(last - 499, last + 1)
    measure(target, f"500 STOREs, {name}", lambda: [client.cmd(f"STORE {n} +FLAGS.SILENT (\\Seen)", keep=False) for n in numbers])
    client.close()


def fill(target, user, box, size):
    """Fills a mailbox: 10,000 messages one by one, then copies of them."""
    client = bench.Imap(target.imap, timeout=900, spread=True).login(user)
    try:
        client.cmd(f"CREATE {box}")
    except RuntimeError:
        pass
    begun = time.time()
    for n in range(client.exists(box), min(10000, size)):
        client.append(bench.message(n, size=600), box)
    client.cmd(f"SELECT {box}", keep=False)
    while (have := client.exists(box)) < size:
        client.cmd(f"COPY 1:{min(have, size - have, 50000)} {box}", keep=False)
        client.cmd("NOOP", keep=False)
    note(dict(target=target.name, metric=f"filled {box} with {size}", wall_s=time.time() - begun))
    client.close()


# ---------------------------------------------------------------- large ------
def large(targets, options):
    for target in targets:
        fill(target, "u5", "Large", options.large)
        settle(target)
        pss = target.mem()[0]
        client = bench.Imap(target.imap, timeout=900, spread=True).login("u5")
        run = lambda name, command: measure(target, f"{options.large}: {name}", lambda: client.cmd(command, keep=False)[0])
        run("STATUS", "STATUS Large (MESSAGES UNSEEN UIDNEXT)")
        run("SELECT", "SELECT Large")
        run("FETCH of the last 50 envelopes", f"FETCH {options.large - 49}:* (FLAGS UID ENVELOPE BODYSTRUCTURE)")
        run("FETCH FLAGS of all", "FETCH 1:* (FLAGS UID)")
        run("SEARCH UNSEEN, counted", "SEARCH RETURN (COUNT) UNSEEN")
        run("SEARCH SUBJECT in the last 1,000", f"SEARCH {options.large - 999}:* SUBJECT contract")
        run("SORT of all by arrival, 50 asked", "SORT RETURN (PARTIAL -1:-50) (ARRIVAL) UTF-8 ALL")
        run("SORT of all by date, 50 asked", "SORT RETURN (PARTIAL -1:-50) (DATE) UTF-8 ALL")
        run("THREAD of all", "THREAD REFERENCES UTF-8 ALL")
        run("STORE of one flag", f"STORE {options.large // 2} +FLAGS (\\Flagged)")
        run("STORE of all", "STORE 1:* +FLAGS.SILENT (\\Seen)")
        client.append(bench.message(7), "Large")
        run("EXPUNGE of one", f"STORE {options.large // 3} +FLAGS.SILENT (\\Deleted)")
        run("EXPUNGE", "EXPUNGE")
        note(dict(target=target.name, metric=f"{options.large}: memory", pss_before_mb=pss / 1024, pss_after_mb=target.mem()[0] / 1024, disk_mb=target.disk() / 1e6))
        client.close()


# ------------------------------------------------------------ mailboxes ------
def mailboxes(targets, options):
    count = options.mailboxes
    for target in targets:
        client = connect(target, "u4", None)
        # Maildir++ has dots between its levels.
        between = re.search(rb'LIST \([^)]*\) "(.)"', client.cmd('LIST "" ""')[1])[1].decode()
        measure(target, f"{count} CREATEs", lambda: [client.cmd(f"CREATE f{n // 100}{between}g{n}") for n in range(count)])
        measure(target, "one more CREATE", lambda: client.cmd("CREATE one"))
        for name, command in [
            ("LIST", 'LIST "" *'),
            ("LIST %", 'LIST "" %'),
            ("LIST with STATUS", 'LIST "" * RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))'),
            ("LSUB", 'LSUB "" *'),
            ("STATUS", f"STATUS f7{between}g777 (MESSAGES)"),
            ("SELECT", f"SELECT f7{between}g777"),
            ("RENAME of 100 below one", "RENAME f7 moved"),
        ]:
            measure(target, f"{count} mailboxes: {name}", lambda: client.cmd(command, keep=False)[0])
        measure(target, f"{count} mailboxes: APPEND", lambda: client.append(bench.message(1), f"moved{between}g777"))
        measure(target, f"{count} mailboxes: LOGIN and SELECT INBOX", lambda: connect(target, "u4").close())
        client.close()


# ----------------------------------------------------------------- main ------
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["reading", "idle", "append", "large", "mailboxes"])
    parser.add_argument("--targets", default="dovecot,pennyblack")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[10000])
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--large", type=int, default=500000)
    parser.add_argument("--mailboxes", type=int, default=10000)
    parser.add_argument("--keep-data", action="store_true", help="measure what an earlier run has filled")
    parser.add_argument("--out")
    options = parser.parse_args()
    targets = [bench.Target(name) for name in options.targets.split(",")]
    bench.BENCH_DIR.mkdir(exist_ok=True)
    dns = subprocess.Popen([bench.LOADGEN, "dns", "--addr", bench.DNS_ADDR, "--seconds", "7200"], stderr=subprocess.DEVNULL)
    try:
        for target in targets:
            if not options.keep_data:
                target.stop()
                assert target.script("setup") == 0, f"see {bench.BENCH_DIR}/{target.name}.setup.log"
            target.start()
        globals()[options.what](targets, options)
    finally:
        for target in targets:
            target.stop()
        dns.kill()
        if options.out:
            Path(options.out).write_text(json.dumps(ROWS, indent=1))


if __name__ == "__main__":
    main()
