"""A Thunderbird without a screen, in a profile of its own, told what to do over Marionette: JSON over a socket, each message behind its length."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

# What would ask a person something, or the Internet.
QUIET = {
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "toolkit.telemetry.enabled": False,
}
# What every script begins with.
PRELUDE = """
const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const window = Services.wm.getMostRecentWindow("mail:3pane");
const server = MailServices.accounts.allServers.find(each => each.type == "imap");
const folder = flag => server.rootFolder.getFolderWithFlags(flag)?.QueryInterface(Ci.nsIMsgImapMailFolder);
const inbox = folder(Ci.nsMsgFolderFlags.Inbox);
const listener = done => ({
    QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
    OnStartRunningUrl() {},
    OnStopRunningUrl(url, status) { done(status); },
});
const message = subject => [...inbox.msgDatabase.enumerateMessages()].find(each => each.mime2DecodedSubject == subject);
"""


class Thunderbird:
    def __init__(self, preferences):
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix="profile-"))
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
                 for name, value in {**QUIET, "marionette.port": 0, **preferences}.items()]
        (self.profile / "user.js").write_text("".join(lines))
        environment = {**os.environ, "HOME": str(self.profile), "MOZ_HEADLESS": "1"}
        arguments = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", str(self.profile)]
        self.log = open(self.profile / "said", "wb")
        self.process = subprocess.Popen([shutil.which("thunderbird"), *arguments], env=environment, stdout=self.log, stderr=self.log)

    def __enter__(self):
        try:
            self.connect()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *failure):
        self.end()

    def connect(self):
        port = self.profile / "MarionetteActivePort"
        self.socket = socket.create_connection(("127.0.0.1", int(eventually(lambda: port.exists() and port.read_text().strip()))))
        self.socket.settimeout(60)
        self.answers, self.sent = self.socket.makefile("rb"), 0
        self.receive()  # its greeting
        self.command("WebDriver:NewSession")
        self.command("Marionette:SetContext", value="chrome")
        self.command("WebDriver:SetTimeouts", script=50000)
        eventually(lambda: self.run("return window != null;"))

    def end(self):
        try:
            self.command("Marionette:Quit", flags=["eForceQuit"])
            self.process.wait(20)
        except Exception:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self):
        length = b""
        while not length.endswith(b":"):
            octet = self.answers.read(1)
            assert octet, (self.profile / "said").read_text()
            length += octet
        return json.loads(self.answers.read(int(length[:-1])))

    def command(self, name, **arguments):
        self.sent += 1
        message = json.dumps([0, self.sent, name, arguments]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self.receive()
        assert not error, error
        return result

    def run(self, body, *arguments):
        """Runs the body of an async function of Thunderbird's own JavaScript; its arguments are in `given`."""
        script = (f"const given = {json.dumps(arguments)}, done = arguments[arguments.length - 1];"
                  f"(async () => {{ {PRELUDE} {body} }})().then(value => done({{value}}), error => done({{error: `${{error}} ${{error.stack}}`}}));")
        outcome = self.command("WebDriver:ExecuteAsyncScript", script=script, args=[], sandbox="system", newSandbox=True)["value"]
        assert "error" not in outcome, outcome["error"]
        return outcome.get("value")


def eventually(ask):
    """Asks until there is an answer; it is not for how long a program takes, but for an end if it never comes."""
    deadline = time.monotonic() + 60
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
