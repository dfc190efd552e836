#!/usr/bin/env python3
"""What it costs to take mail from a user and hand it on: Pennyblack beside Postfix and OpenSMTPD, in one run on one machine.

10,000 messages of 10 KB to 100 domains with a mail host each, all of which are smtp-sink, go in over ten connections and out again. Everything runs in a network
namespace of its own (port 25 is ours there) with Debian's unbound as its name server; nothing is written outside a temporary folder. Counted are
messages a second, CPU of all processes of a server, and syncs, which strace counts in a run
of its own.

    relay.py [--messages N] [--rounds N] [--syncs N] [--targets pennyblack,pennyblack-unsigned,postfix,opensmtpd]
    relay.py --queue 100000            how much memory a queue takes, and how soon a server with it starts

Needs root, Linux, and Debian's postfix, unbound and strace; OpenSMTPD from bench/side-by-side/unpack-opensmtpd.
"""

import argparse, base64, json, os, pathlib, random, re, shutil, signal, socket, sqlite3, statistics, subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).resolve().parent
PENNYBLACK = os.environ.get("PENNYBLACK_BIN", str(HERE.parent.parent / "target/release/pennyblack"))
OPENSMTPD = pathlib.Path(os.environ.get("BENCH_DIR", "/tmp/bench")) / "opensmtpd-root"
DOMAINS, CONNECTIONS, SIZE = 100, 10, 10_000
# Messages of one session: servers take no more than a hundred.
SESSION = 50
# Messages that a long queue is made of.
MODELS = 1000
NAME_SERVER, SINK, SINK_PORT = "127.0.0.54", "127.0.1.1", 25
PASSWORD = "correct horse"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--messages", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--syncs", type=int, default=1000, help="messages of the run under strace; 0: none")
    arguments.add_argument("--targets", default="")
    arguments.add_argument("--queue", type=int, default=0, help="fill a queue with so many messages instead")
    options = arguments.parse_args()
    if os.environ.get("BENCH_NAMESPACE") != "1":
        environment = dict(os.environ, BENCH_NAMESPACE="1")
        os.execvpe("unshare", ["unshare", "-n", "-m", "--propagation", "private", sys.executable, *sys.argv], environment)
    run("ip", "link", "set", "lo", "up")
    # OpenSMTPD's resolver looks for no addresses on a machine that has none but 127.0.0.1.
    run("ip", "address", "add", "198.51.100.1/32", "dev", "lo")
    with tempfile.TemporaryDirectory(prefix="bench-relay-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        world = World(folder)
        try:
            queue(world, options.queue) if options.queue else compare(world, options)
        finally:
            world.end()


def compare(world, options):
    targets = [make for make in TARGETS if (not options.targets or make.name in options.targets.split(",")) and make.is_here()]
    absent = [make.name for make in TARGETS if not make.is_here()]
    if absent:
        print("not here:", ", ".join(absent), file=sys.stderr)
    found = {make.name: {"seconds": [], "cpu": [], "syncs": None} for make in targets}
    print(f"load average at the start: {os.getloadavg()[0]:.1f}", file=sys.stderr)
    for _ in range(options.rounds):
        for make in targets:
            seconds, cpu, _ = once(world, make, options.messages, False)
            found[make.name]["seconds"].append(seconds)
            found[make.name]["cpu"].append(cpu)
            print(f"{make.name}: {options.messages / seconds:.0f} a second, {cpu / options.messages * 1e3:.2f} ms of CPU each", file=sys.stderr)
    for make in targets if options.syncs else []:
        _, _, syncs = once(world, make, options.syncs, True)
        found[make.name]["syncs"] = syncs / options.syncs
    print(f"load average at the end: {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print("| | messages a second | CPU ms a message | syncs a message |\n| --- | ---: | ---: | ---: |")
    for name, figures in found.items():
        seconds, cpu = statistics.median(figures["seconds"]), statistics.median(figures["cpu"])
        syncs = "" if figures["syncs"] is None else f"{figures['syncs']:.2f}"
        print(f"| {name} | {options.messages / seconds:.0f} | {cpu / options.messages * 1e3:.2f} | {syncs} |")


def once(world, make, messages, traced):
    """Seconds from the first octet until all messages are at the other side, seconds of CPU, syncs."""
    sink = Sink()
    target = make(world, traced)
    try:
        target.start()
        until(lambda: answers(target.port), f"{target.name} listens")
        cpu, begun = target.group.cpu(), time.monotonic()
        send(target, messages)
        until(lambda: sink.messages >= messages, f"{messages} messages of {target.name}", patience=900, look=lambda: sink.messages)
        seconds = time.monotonic() - begun
        # What is written after the last 250 belongs to it too.
        time.sleep(1)
        return seconds, target.group.cpu() - cpu, target.syncs()
    finally:
        target.stop()
        sink.stop()


def queue(world, messages):
    """Fills a queue whose host is dead, and looks at the server."""
    target = Pennyblack(world, False, 'relay.routes = ["via smtp+notls://127.0.0.99:9"]\n')
    target.start()
    until(lambda: answers(target.port), "it listens")
    idle = target.resident()
    target.command("pause", "delivery")
    send(target, MODELS, size=1500)
    target.kill()
    multiply(target.folder / "data/mail.db", messages)
    print(f"{messages} messages queued, all of them due; load average {os.getloadavg()[0]:.1f}; an idle server takes {idle:.1f} MB")
    begun = time.monotonic()
    target.start()
    until(lambda: answers(target.port), "it listens", pause=0.01)
    print(f"listens {time.monotonic() - begun:.2f} s after its start; resident {target.resident():.1f} MB")
    cpu, most = target.group.cpu(), 0
    for _ in range(30):
        time.sleep(1)
        most = max(most, target.resident())
    tries, cpu = target.attempts(), target.group.cpu() - cpu
    print(f"30 s later: {tries / 30:.0f} attempts a second, {cpu / max(1, tries) * 1e3:.2f} ms of CPU each, resident at most {most:.1f} MB")
    print("the queue:", " ".join(target.command("metrics").split("pennyblack_queue_messages")[1:][-1:])[:60].split("\n")[0])
    target.stop()


def multiply(database, messages):
    """Copies the messages of the queue until there are so many. Without a key, what is stored does not depend on the id."""
    base = sqlite3.connect(database, isolation_level=None)
    columns = {table: [row[1] for row in base.execute(f"PRAGMA table_info({table})")] for table in ("queue", "queue_recipient")}
    models = base.execute("SELECT COUNT(*) FROM queue").fetchone()[0]
    copies = messages // models - 1
    pick = lambda table, key, source: ", ".join("fresh.id" if name == key else f"{source}.{name}" for name in columns[table])
    base.executescript(
        f"""
        PRAGMA synchronous = OFF; BEGIN;
        CREATE TEMP TABLE model AS SELECT * FROM queue;
        CREATE TEMP TABLE fresh AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {copies * models - 1})
            SELECT i % {models} + 1 AS of, randomblob(16) AS id FROM n ORDER BY id;
        INSERT INTO queue ({", ".join(columns["queue"])}) SELECT {pick("queue", "id", "model")} FROM fresh JOIN model ON model.rowid = fresh.of;
        INSERT INTO queue_recipient ({", ".join(columns["queue_recipient"])}) SELECT {pick("queue_recipient", "queue", "r")}
            FROM fresh JOIN model ON model.rowid = fresh.of JOIN queue_recipient r ON r.queue = model.id;
        UPDATE body SET refs = refs + {copies} WHERE hash IN (SELECT body FROM model);
        COMMIT; PRAGMA wal_checkpoint(TRUNCATE);
        """
    )
    base.close()


# ---- what is around a server


class World:
    """The name server, and the folder."""

    def __init__(self, folder):
        self.folder = folder
        resolv = folder / "resolv.conf"
        resolv.write_text(f"nameserver {NAME_SERVER}\n")
        run("mount", "--bind", resolv, os.path.realpath("/etc/resolv.conf"))
        zones = "".join(f'local-data: "d{n}.bench. MX 10 mx{n}.bench."\nlocal-data: "mx{n}.bench. A 127.0.1.{n + 1}"\n' for n in range(DOMAINS))
        (folder / "unbound.conf").write_text(
            f'server:\nusername: ""\nchroot: ""\ndirectory: "{folder}"\npidfile: "{folder}/unbound.pid"\ninterface: {NAME_SERVER}\nuse-syslog: no\n'
            f'do-daemonize: no\nmodule-config: "iterator"\nlocal-zone: "." static\nlocal-zone: "bench." static\n'
            f'local-data: "bench.test. A 127.0.0.1"\n{zones}remote-control:\ncontrol-enable: no\n'
        )
        self.unbound = subprocess.Popen(["unbound", "-c", folder / "unbound.conf"], stderr=open(folder / "unbound.log", "w"))
        time.sleep(0.5)
        assert self.unbound.poll() is None, (folder / "unbound.log").read_text()

    def end(self):
        self.unbound.kill()
        self.unbound.wait()


class Sink:
    """smtp-sink, which counts."""

    def __init__(self):
        command = ["smtp-sink", "-c", "-u", "nobody", f":{SINK_PORT}", "1000"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.messages = 0
        threading.Thread(target=self.read, daemon=True).start()
        until(lambda: answers(SINK_PORT, SINK), "smtp-sink listens")

    def read(self):
        text = b""
        while piece := os.read(self.process.stdout.fileno(), 4096):
            text = (text + piece)[-400:]
            numbers = re.findall(rb"\d+", text.rsplit(b"\r", 1)[0].rsplit(b"\r", 1)[-1])
            if len(numbers) >= 3:
                self.messages = max(self.messages, int(numbers[-1]))

    def stop(self):
        self.process.kill()
        self.process.wait()


class Group:
    """A control group, whose CPU time is that of all that ever ran in it."""

    def __init__(self, name):
        new = pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()
        root = pathlib.Path("/sys/fs/cgroup") if new else pathlib.Path("/sys/fs/cgroup/cpuacct")
        self.new, self.path = new, root / f"bench-relay-{os.getpid()}-{name}"
        self.path.mkdir(exist_ok=True)

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def processes(self):
        return [int(pid) for pid in (self.path / "cgroup.procs").read_text().split()]

    def cpu(self):
        if self.new:
            return int(re.search(r"usage_usec (\d+)", (self.path / "cpu.stat").read_text())[1]) / 1e6
        return int((self.path / "cpuacct.usage").read_text()) / 1e9

    def end(self):
        for _ in range(100):
            for pid in self.processes():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if not self.processes():
                break
            time.sleep(0.05)
        self.path.rmdir()


# ---- the servers


class Target:
    port = 2525
    login = None

    def __init__(self, world, traced):
        self.folder = world.folder / self.name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.traced, self.trace = traced, self.folder / "trace"
        self.group = Group(self.name)

    def launch(self, *command):
        if self.traced:
            command = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=fsync,fdatasync,sync,syncfs,msync", "-o", self.trace, *command)
        log = open(self.folder / "log", "a")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=self.group.enter)

    def syncs(self):
        if not self.traced:
            return None
        # A call that another thread interrupts has two lines.
        return sum("(" in line and "resumed" not in line for line in self.trace.read_text().splitlines())

    def stop(self):
        self.group.end()
        self.process.wait()


class Pennyblack(Target):
    name, port = "pennyblack", 2587
    login = ("alice@bench.test", PASSWORD)
    signs = True

    @staticmethod
    def is_here():
        return os.access(PENNYBLACK, os.X_OK)

    def __init__(self, world, traced, more=""):
        super().__init__(world, traced)
        limits = "".join(f"{what}_per_{span} = 0\n" for what in ("messages", "recipients", "new_recipients") for span in ("hour", "day"))
        (self.folder / "pennyblack.toml").write_text(
            f'hostname = "mx.bench.test"\ndomain = "bench.test"\ndata = "{self.folder}/data"\nuser = "root"\nqueue.allow_private = true\n'
            f'dns.mode = "forward"\ndns.servers = ["{NAME_SERVER}"]\nauthentication.sign = {str(self.signs).lower()}\n{more}'
            "[listen]\nsmtp.addresses = []\nsubmissions.addresses = []\nimaps.addresses = []\nmanagesieve.addresses = []\n"
            f'submission.addresses = ["127.0.0.1:{self.port}"]\nsubmission.plaintext_auth = "loopback"\n[brake]\nhold_unusual = false\n{limits}'
        )
        words = [PENNYBLACK, "account", "add", self.login[0], "--password-stdin", "--add-domain", "--config", self.folder / "pennyblack.toml"]
        subprocess.run(words, input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)

    def start(self):
        self.launch(PENNYBLACK, "serve", "--config", self.folder / "pennyblack.toml")

    def command(self, *words):
        return run(PENNYBLACK, *words, "--config", self.folder / "pennyblack.toml")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def attempts(self):
        log = (self.folder / "log").read_text()
        return log.count("event=delivery") + log.count('"event":"delivery"')


class PennyblackUnsigned(Pennyblack):
    name, signs = "pennyblack-unsigned", False


class Postfix(Target):
    name = "postfix"

    @staticmethod
    def is_here():
        return shutil.which("postfix") is not None

    def start(self):
        etc = self.folder / "etc"
        for folder in ("etc", "spool", "data"):
            (self.folder / folder).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        (etc / "main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {self.folder}/spool\ndata_directory = {self.folder}/data\n"
            "daemon_directory = /usr/lib/postfix/sbin\ncommand_directory = /usr/sbin\nmail_owner = postfix\nsetgid_group = postdrop\n"
            "myhostname = mx.bench.test\nmydestination =\nmynetworks = 127.0.0.0/8\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n"
            "alias_maps =\nsmtpd_client_connection_count_limit = 0\nsmtp_host_lookup = dns\nmaillog_file_prefixes = /tmp, /var\n"
            f"maillog_file = {self.folder}/mail.log\n"
        )
        lines = []
        for line in pathlib.Path("/usr/share/postfix/master.cf.dist").read_text().splitlines():
            fields = line.split()
            if line[:1].isalnum() and len(fields) >= 8:
                fields[0] = f"127.0.0.1:{self.port}" if fields[:2] == ["smtp", "inet"] else fields[0]
                fields[4] = "n"
                lines.append(" ".join(fields))
        (etc / "master.cf").write_text("\n".join(lines) + "\n")
        for file in pathlib.Path("/etc/postfix").glob("dynamicmaps.cf*"):
            copy = shutil.copytree if file.is_dir() else shutil.copy
            copy(file, etc / file.name)
        self.launch("postfix", "-c", etc, "start-fg")


class OpenSmtpd(Target):
    name = "opensmtpd"

    @staticmethod
    def is_here():
        return (OPENSMTPD / "usr/sbin/smtpd").exists()

    def start(self):
        for user in ("opensmtpd", "opensmtpq"):
            if subprocess.run(["id", user], capture_output=True).returncode:
                run("useradd", "--system", "--home-dir", "/var/lib/opensmtpd/empty", "--shell", "/usr/sbin/nologin", user)
        for folder in ("/var/lib/opensmtpd/empty", "/var/spool/smtpd", "/usr/libexec/opensmtpd"):
            os.makedirs(folder, exist_ok=True)
        (self.folder / "spool").mkdir(mode=0o711)
        (self.folder / "run").mkdir()
        (self.folder / "smtpd.conf").write_text(
            f'listen on 127.0.0.1 port {self.port} hostname mx.bench.test\naction "out" relay helo mx.bench.test\nmatch from local for any action "out"\n'
            # Otherwise it makes a connection to a host every five seconds.
            "mta limit conn-delay-route 0\nmta limit conn-delay-relay 0\nmta limit reconn-delay-route 0\n"
            "mta limit max-conn-per-source 200\n"
        )
        for here, there in ((self.folder / "spool", "/var/spool/smtpd"), (self.folder / "run", "/run"), (OPENSMTPD / "usr/libexec/opensmtpd", "/usr/libexec/opensmtpd")):
            run("mount", "--bind", here, there)
        os.environ["LD_LIBRARY_PATH"] = str(OPENSMTPD / "usr/lib/x86_64-linux-gnu")
        self.launch(OPENSMTPD / "usr/sbin/smtpd", "-d", "-f", self.folder / "smtpd.conf")
        del os.environ["LD_LIBRARY_PATH"]

    def stop(self):
        super().stop()
        for there in ("/usr/libexec/opensmtpd", "/run", "/var/spool/smtpd"):
            run("umount", "--lazy", there)


TARGETS = [Pennyblack, PennyblackUnsigned, Postfix, OpenSmtpd]


# ---- the users


def send(target, messages, recipients=1, size=SIZE):
    """Over ten connections at a time, one message after the other on each."""
    failures = []

    def sender(first):
        try:
            numbers = list(range(first, messages, CONNECTIONS))
            for begin in range(0, len(numbers), SESSION):
                with Client(target) as client:
                    for number in numbers[begin : begin + SESSION]:
                        to = [f"friend{k}@d{(number + k) % DOMAINS}.bench" for k in range(recipients)]
                        client.send(to, text(number, size))
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=sender, args=(n,)) for n in range(CONNECTIONS)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    if failures:
        log = (target.folder / "log").read_text()[-3000:]
        raise SystemExit(f"{target.name}: {failures[0]!r}\n{log}")


class Client:
    def __init__(self, target):
        self.socket = socket.create_connection(("127.0.0.1", target.port))
        self.file = self.socket.makefile("rb")
        self.reply("220")
        self.say(b"EHLO client.bench.test\r\n", "250")
        if target.login:
            secret = base64.b64encode("\0".join(("", *target.login)).encode())
            self.say(b"AUTH PLAIN " + secret + b"\r\n", "235")

    def send(self, to, octets):
        # One command after the other: OpenSMTPD has no PIPELINING.
        self.say(b"MAIL FROM:<alice@bench.test>\r\n", "250")
        for one in to:
            self.say(b"RCPT TO:<%s>\r\n" % one.encode(), "250")
        self.say(b"DATA\r\n", "354")
        self.say(octets + b".\r\n", "250")

    def say(self, octets, expected):
        self.socket.sendall(octets)
        self.reply(expected)

    def reply(self, expected):
        while True:
            line = self.file.readline().decode()
            if line[3:4] != "-":
                break
        if not line.startswith(expected):
            raise RuntimeError(f"{line!r} instead of {expected}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


WORDS = "the of and a to in is you that it he was for on are as with his they I at be this have from or one had by word".split()
RANDOM = random.Random(1)
TEXT = "\r\n".join(" ".join(RANDOM.choice(WORDS) + RANDOM.choice(" ,.") + str(RANDOM.randrange(10_000)) for _ in range(9)) for _ in range(2000))


def text(number, size):
    head = (
        f"From: Alice <alice@bench.test>\r\nTo: friend@d.bench\r\nSubject: Message {number}\r\nDate: Mon, 30 Nov 2026 10:00:00 +0000\r\n"
        f"Message-ID: <{number}.{os.getpid()}@bench.test>\r\n\r\n"
    )
    start = number * 997 % (len(TEXT) - size)
    body = TEXT[TEXT.index("\r\n", start) + 2 :][: max(0, size - len(head))]
    return (head + body.rsplit("\r\n", 1)[0].replace("\r\n.", "\r\n,") + "\r\n").encode()


# ---- small things


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout


def answers(port, host="127.0.0.1"):
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            return connection.recv(1) == b"2"
    except OSError:
        return False


def until(true, what, patience=60, pause=0.05, look=lambda: ""):
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"never happened: {what} {look()}")
        time.sleep(pause)


main()
