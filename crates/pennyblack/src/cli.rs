//! The command line: all commands with their options and help. Manual pages and completions are made from it.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A whole mail system in one program.
#[derive(Parser, Debug)]
#[command(
    name = "pennyblack",
    version,
    propagate_version = true,
    infer_subcommands = true,
    max_term_width = 100,
    after_help = EXIT_CODES
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 75 try again later (another instance runs, or the store cannot \
                          be reached), 78 wrong configuration.";

/// Options of every command.
#[derive(Args, Debug, Clone)]
pub(crate) struct Global {
    /// The configuration file [default: /etc/pennyblack/pennyblack.toml]
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "data")]
    config: Option<PathBuf>,
    /// The folder of a trial: means --config DIR/pennyblack.toml
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Global {
    /// No option given.
    pub(crate) fn usual() -> Global {
        Global {
            config: None,
            data: None,
            json: false,
        }
    }

    /// The configuration file.
    pub(crate) fn file(&self) -> PathBuf {
        match (&self.config, &self.data) {
            (Some(file), _) => file.clone(),
            (None, Some(folder)) => folder.join(crate::trial::CONFIG_FILE),
            (None, None) => server::config::DEFAULT_PATH.into(),
        }
    }
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the mail server in the foreground
    Serve,
    /// Try it: a whole server with sample mail and a pretend Internet, without root, DNS or network
    Trial(crate::trial::Options),
    /// Accounts: who has mailboxes and may log in
    #[command(subcommand)]
    Account(Account),
    /// How full accounts are
    #[command(subcommand)]
    Quota(Quota),
    /// Messages that were removed from mailboxes
    #[command(subcommand)]
    Mailbox(Mailbox),
    /// Domains whose mail is ours
    #[command(subcommand)]
    Domain(Domain),
    /// Addresses that lead to other addresses
    #[command(subcommand)]
    Alias(Alias),
    /// Keys that sign mail, and the DNS records they need
    #[command(subcommand)]
    Dkim(Dkim),
    /// Certificates that are served, and a change of keys that waits for its TLSA records in DNS
    #[command(subcommand)]
    Tls(Tls),
    /// Who may use whose mailboxes
    #[command(subcommand)]
    Share(Share),
    /// Mail on its way to other servers
    #[command(subcommand)]
    Queue(Queue),
    /// Hosts that mail goes to
    #[command(subcommand)]
    Routes(Routes),
    /// Ask DNS as the server does
    #[command(subcommand)]
    Dns(Dns),
    /// Sieve scripts, which decide where mail is filed
    #[command(subcommand)]
    Sieve(Sieve),
    /// Teach the filter what is wanted and what not, and ask what it thinks of messages
    #[command(subcommand)]
    Spam(Spam),
    /// Say what would happen, and why
    #[command(subcommand)]
    Explain(Explain),
    /// Verify that all is well, or one part of it: exit code 0 if it is, 1 with warnings, 2 if something is bad
    Check {
        /// What to verify; nothing: everything
        #[command(subcommand)]
        which: Option<Check>,
    },
    /// How the running server is
    Status,
    /// Whether the running server can do its work, part by part: exit code 0 if it can
    Health,
    /// Print the counters of the running server, as Prometheus reads them
    Metrics,
    /// List the addresses that may not log in, because too many guesses came from them
    Bans,
    /// Let an address log in again
    Unban {
        /// The address
        address: std::net::IpAddr,
    },
    /// What the running server does at intervals
    #[command(subcommand)]
    Jobs(Jobs),
    /// Show and edit the greylist and its traps, in the lines and with the options of spamdb (J25, J26)
    Greylist(Greylist),
    /// Networks that no session is begun with, on any port, and senders whose mail is refused
    #[command(subcommand)]
    Ban(Ban),
    /// How the lists of addresses are, in files, feeds and DNS; files and feeds whose time has come are read again
    Lists,
    /// Make search indexes anew, or say how they are
    Reindex(Reindex),
    /// Read tables again
    #[command(subcommand)]
    Update(Update),
    /// Make the running server read its configuration and certificates again
    Reload,
    /// Stop taking new SMTP sessions, or delivering to other servers, until `resume`
    Pause {
        /// What to pause
        what: Part,
    },
    /// Go on with what was paused
    Resume {
        /// What to resume
        what: Part,
    },
    /// Check and show the configuration
    #[command(subcommand)]
    Config(Config),
    /// Ask who a message is from, and is that proved: SPF, DKIM, ARC, DMARC; the first line of the answer is the result
    #[command(subcommand)]
    Auth(Auth),
    /// What other servers report about mail in our name (DMARC, TLS): who sent, and was that proved
    Report(Report),
    /// Send a message on standard input as `sendmail` does; also when this program is called sendmail, mailq or newaliases
    #[command(disable_help_flag = true, disable_version_flag = true)]
    Sendmail {
        /// Options and recipients as `sendmail` takes them: -t -f -F -i -oi -v -N -R -V -bs -bp -bi -q
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Hash a password, read from the terminal or with --password-stdin
    Encrypt {
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print the completions of a shell
    Completion {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    Man {
        /// The folder
        folder: PathBuf,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Update {
    /// Bring accounts, aliases and domains in step with the files that the configuration names: exit code 1 if a line is wrong
    Table {
        /// `passwd`, `virtuals` or `domains`; without it all
        name: Option<String>,
    },
}

/// A report in a file, or those that were kept when they came by mail.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct Report {
    #[command(subcommand)]
    pub(crate) which: Option<ReportOf>,
    /// A report: a message, a gzip or zip file, XML or JSON; `-` for standard input
    pub(crate) file: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ReportOf {
    /// List the reports that were kept, the newest first
    List(Reported),
    /// Show one of them
    Show {
        /// Its id, as in the list
        id: String,
    },
    /// Sum up all reports on DMARC: which addresses send in our name, and is that proved
    Sources(Reported),
}

/// Which reports.
#[derive(Args, Debug)]
pub(crate) struct Reported {
    /// Only about mail in the name of this domain
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// Only those that came in the last so many days
    #[arg(long, default_value_t = 30)]
    pub(crate) days: u32,
}

/// Without -a and -d all records are listed.
#[derive(Args, Debug)]
pub(crate) struct Greylist {
    /// Add records: white ones, or with -t and -T others
    #[arg(short = 'a', conflicts_with = "delete", requires = "keys")]
    pub(crate) add: bool,
    /// Delete records
    #[arg(short = 'd', requires = "keys")]
    pub(crate) delete: bool,
    /// Trap addresses: who writes to one is blocked for a day
    #[arg(short = 'T', group = "kind")]
    pub(crate) traps: bool,
    /// Senders that are blocked because they wrote to a trap
    #[arg(short = 't', group = "kind")]
    pub(crate) trapped: bool,
    /// Senders that were asked to come again
    #[arg(short = 'G', group = "kind", conflicts_with = "add")]
    pub(crate) grey: bool,
    /// Make an address a trap, and print a piece of HTML that only harvesters of addresses find
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["add", "delete", "keys"])]
    pub(crate) bait: Option<String>,
    /// IP addresses, networks or domains; mail addresses with -T
    pub(crate) keys: Vec<String>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Ban {
    /// Ban an address or a network, or a sender
    Add {
        /// Such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32; or an envelope sender, x@example.org, or a whole domain, @example.org
        network: String,
        /// Why, for those who read the list
        #[arg(long, default_value = "")]
        reason: String,
        /// For how long, such as 12h or 7d; without it until it is lifted
        #[arg(long = "for", value_name = "TIME")]
        time: Option<String>,
    },
    /// List the bans
    List,
    /// Lift a ban
    Remove {
        /// The network or sender as it is listed
        network: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Reindex {
    /// Addresses of accounts
    #[arg(required_unless_present = "all", value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,
    /// All accounts
    #[arg(long, conflicts_with = "accounts")]
    pub(crate) all: bool,
    /// Change nothing, only say how they are
    #[arg(long)]
    pub(crate) status: bool,
}

/// What can be paused.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Part {
    /// New SMTP, submission and LMTP sessions; they are told 421
    Smtp,
    /// Deliveries to other servers; mail waits in the queue
    Delivery,
}

/// Limits of an account: a number, `unlimited` or `default`.
#[derive(Args, Debug)]
pub(crate) struct LimitsOf {
    /// Messages in an hour: a number, `unlimited` or `default`
    #[arg(long, value_name = "N")]
    pub(crate) messages_per_hour: Option<String>,
    /// Messages in 24 hours
    #[arg(long, value_name = "N")]
    pub(crate) messages_per_day: Option<String>,
    /// Recipients in an hour
    #[arg(long, value_name = "N")]
    pub(crate) recipients_per_hour: Option<String>,
    /// Recipients in 24 hours
    #[arg(long, value_name = "N")]
    pub(crate) recipients_per_day: Option<String>,
    /// Recipients elsewhere that it had never sent to, in an hour
    #[arg(long, value_name = "N")]
    pub(crate) new_recipients_per_hour: Option<String>,
    /// The same in 24 hours
    #[arg(long, value_name = "N")]
    pub(crate) new_recipients_per_day: Option<String>,
    /// What is done when it sends unusually much: `hold`, `send` or `default`
    #[arg(long, value_name = "WHAT")]
    pub(crate) unusual: Option<String>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Account {
    /// Make an account
    Add {
        /// Its address
        address: String,
        /// The person's name
        #[arg(long, default_value = "")]
        name: String,
        /// What it may hold: a size like 5G, `unlimited` or `default`
        #[arg(long, default_value = "default")]
        quota: String,
        #[command(flatten)]
        password: PasswordFrom,
        /// Host the domain too, if it is not hosted yet
        #[arg(long)]
        add_domain: bool,
    },
    /// List all accounts
    List,
    /// Show one account
    Show {
        /// Its address
        address: String,
    },
    /// Set a password
    Password {
        /// The account
        address: String,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Say how full accounts are; with a quota, set what one may hold
    Quota {
        /// The account; none: all
        address: Option<String>,
        /// A size like 5G, `unlimited` or `default`
        #[arg(requires = "address")]
        quota: Option<String>,
        /// How many messages: a number, `unlimited` or `default`
        #[arg(long, requires = "address")]
        messages: Option<String>,
    },
    /// Set the language that the server writes to an account's owner in
    Language {
        /// The account
        address: String,
        /// A tag like `de`, or `default`
        language: String,
    },
    /// Let an account log in again
    Enable {
        /// The account
        address: String,
    },
    /// Stop log-in and sending; the mail stays (B25)
    Disable {
        /// The account
        address: String,
    },
    /// Show what an account sent and may send, or change what it may send
    Limit {
        /// The account
        address: String,
        #[command(flatten)]
        limits: LimitsOf,
    },
    /// Let go the mail of an account that was held because it sent unusually much; as much is usual from now on
    Release {
        /// The account
        address: String,
    },
    /// End the sessions of an account, let nobody log in, and hold its mail in the queue
    Lock {
        /// The account
        address: String,
    },
    /// The owner of an account says that somebody else sent the mail that is held: as `lock`, and what that log-in sent and has not left yet is taken back;
    /// prints the note that `incident` writes
    NotMe {
        /// The account
        address: String,
    },
    /// Write down for a while what the mail programs of an account and the server say to each other, without texts, addresses and passwords: to
    /// find out why one of them does not work
    Record {
        /// The account
        address: String,
        /// How long: a time like 10m; `0s` ends a record that is being made
        #[arg(long = "for", value_name = "TIME", default_value = "10m")]
        lasts: String,
    },
    /// What was sent from an account, by whom and to whom: a note for those who have to know, when somebody else has used it
    Incident {
        /// The account
        address: String,
        /// Look at so many hours before its mail was held, or before now
        #[arg(long, default_value_t = 24, value_name = "NUMBER")]
        hours: u32,
    },
    /// Change the person's name
    RenamePerson {
        /// The account
        address: String,
        /// The new name
        name: String,
    },
    /// Add and change accounts from a `passwd` file: lines of `address:hash`, or the long form with its extra fields (B8)
    Import {
        /// The file
        file: PathBuf,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove an account with all its mail, and the aliases that lead to it
    Remove {
        /// The account
        address: String,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Quota {
    /// Say how full accounts are
    Report {
        /// The accounts; none: all
        addresses: Vec<String>,
    },
    /// Count anew what accounts hold, and correct what was counted wrongly
    Recalc {
        /// The accounts; none: all
        addresses: Vec<String>,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Mailbox {
    /// List messages that were removed and can be put back
    Removed(RemovedFrom),
    /// Put removed messages back into their mailboxes, with their flags and dates
    Undelete {
        #[command(flatten)]
        from: RemovedFrom,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

/// Which removed messages.
#[derive(clap::Args, Debug)]
pub(crate) struct RemovedFrom {
    /// The account
    pub(crate) account: String,
    /// Only from this mailbox
    #[arg(long)]
    pub(crate) mailbox: Option<String>,
    /// Only what was removed since: a time, a date, or how long ago, like 2d
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Only messages with this Message-ID; may be given several times
    #[arg(long)]
    pub(crate) message_id: Vec<String>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Domain {
    /// Host a domain
    Add {
        /// Its name
        name: String,
    },
    /// List all domains
    List,
    /// Make a domain another name of a second one: alice@NAME is alice@OF
    Alias {
        /// The other name
        name: String,
        /// The domain that has the accounts
        #[arg(required_unless_present = "off")]
        of: Option<String>,
        /// End that; the domain stays hosted
        #[arg(long, conflicts_with = "of")]
        off: bool,
    },
    /// Stop hosting a domain; refused while accounts or aliases are in it
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Dkim {
    /// Make one key, or take one from a file; it waits for DNS if another one of its kind signs already
    Keygen {
        /// The domain that signs
        domain: String,
        /// Its name in DNS: SELECTOR._domainkey.DOMAIN; else the day and a letter
        #[arg(long)]
        selector: Option<String>,
        /// With what it signs
        #[arg(long = "type", value_enum, default_value = "rsa")]
        kind: KeyKind,
        /// Take this private key (PEM, or an ed25519 seed in base64) instead of a new one
        #[arg(long, value_name = "FILE", conflicts_with = "kind")]
        key: Option<PathBuf>,
    },
    /// List the keys, and what comes next for each
    List {
        /// Only those of this domain
        domain: Option<String>,
    },
    /// Print the DNS records of a domain's keys, and whether DNS shows them
    Show {
        /// The domain
        domain: String,
    },
    /// Make new keys; they sign in place of the old ones once DNS has shown them for an hour
    Rotate {
        /// The domain
        domain: String,
    },
    /// Forget a key; refused while its record is needed
    Retire {
        /// The domain
        domain: String,
        /// The key
        selector: String,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Tls {
    /// Print the certificates that are served, and what waits to take their place
    Show,
    /// Make a new key for the certificate that the server makes itself; it is served once DNS has had its TLSA record for two TTLs, or at once where DNS has none
    Rotate,
    /// Serve a new key now that waits for DNS; refused while others may not know it
    Switch {
        /// Serve it all the same: servers that obey DANE send nothing here until they see its record
        #[arg(long)]
        force: bool,
    },
    /// Go on with the old key, and forget the new one
    Cancel,
}

/// With what a key signs.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub(crate) enum KeyKind {
    /// rsa-sha256, 2048 bits
    Rsa,
    /// ed25519-sha256
    Ed25519,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Alias {
    /// Let mail to an address go to others
    Add {
        /// `user@domain`, `user` (in every domain), `@domain` (all else in a domain) or `@` (all else)
        source: String,
        /// Where it goes: addresses, or local parts that are looked up again
        #[arg(required = true, value_delimiter = ',')]
        targets: Vec<String>,
    },
    /// List all aliases
    List,
    /// Remove an alias, or one of its targets
    Remove {
        /// The alias
        source: String,
        /// Only this target
        target: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// A mailbox of an account.
#[derive(Args, Debug, Clone)]
pub(crate) struct Whose {
    /// Whose mailbox
    pub(crate) owner: String,
    /// Its name to its owner, or `*` for all that there are now
    pub(crate) mailbox: String,
}

/// Whose `\Seen` it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SeenOf {
    /// Each reader his own
    Own,
    /// One for all
    Shared,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Share {
    /// List what is shared
    List {
        /// Only what this account shares
        owner: Option<String>,
    },
    /// Say what somebody may do in a mailbox
    Set {
        #[command(flatten)]
        mailbox: Whose,
        /// An address, `anyone` (in the owner's domain) or a `$group`; with `-` before it, what is taken from him
        #[arg(allow_hyphen_values = true)]
        who: String,
        /// `read`, `write`, `manage`, or letters of RFC 4314 (lrswipkxtea)
        rights: String,
    },
    /// Take away what somebody may do in a mailbox
    Remove {
        #[command(flatten)]
        mailbox: Whose,
        /// Who
        #[arg(allow_hyphen_values = true)]
        who: String,
    },
    /// Say whether readers of a mailbox see what they have seen themselves, or what anybody has
    Seen {
        #[command(flatten)]
        mailbox: Whose,
        /// Whose
        #[arg(value_enum)]
        whose: SeenOf,
    },
    /// Show the mailboxes of an account that is nobody in particular (info@) below `Shared` instead of `Other Users`
    Public {
        /// The account
        owner: String,
        /// End that
        #[arg(long)]
        off: bool,
    },
    /// List the mailboxes of others that an account sees, with its rights
    Seeing {
        /// The account
        account: String,
    },
    /// Groups of accounts, to share with all of them
    #[command(subcommand)]
    Group(ShareGroup),
}

#[derive(Subcommand, Debug)]
pub(crate) enum ShareGroup {
    /// List all groups
    List,
    /// Put accounts into a group
    Add {
        /// Its name, with or without `$`
        group: String,
        /// Their addresses
        #[arg(required = true)]
        accounts: Vec<String>,
    },
    /// Take accounts out of a group
    Remove {
        /// Its name, with or without `$`
        group: String,
        /// Their addresses
        #[arg(required = true)]
        accounts: Vec<String>,
    },
}

/// How the queue is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum QueueFormat {
    /// For people
    Table,
    /// 14 fields with | between them, as `smtpctl show queue` prints them
    Smtpctl,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Queue {
    /// List all messages in the queue
    List {
        /// How to print them
        #[arg(long, value_enum, default_value = "table", conflicts_with = "json")]
        format: QueueFormat,
    },
    /// Show one message
    Show {
        /// Its id
        id: String,
    },
    /// Do not try mail until it is released
    Hold {
        #[command(flatten)]
        which: Which,
    },
    /// Try mail that was held, from now on
    Release {
        #[command(flatten)]
        which: Which,
    },
    /// Try mail now
    Retry {
        #[command(flatten)]
        which: Which,
    },
    /// Send mail to another address, or with @DOMAIN to the same local parts there
    Redirect {
        /// The new recipient
        #[arg(id = "new", value_name = "TO")]
        to: String,
        #[command(flatten)]
        which: Which,
    },
    /// Send mail by other hosts than MX and routes lead to, at once
    Reroute {
        /// URLs like smtp+tls://LABEL@HOST, tried in this order with `,` between them; `default`: as MX and routes say
        via: String,
        #[command(flatten)]
        which: Which,
    },
    /// Return mail to its senders, with a notice
    Bounce {
        #[command(flatten)]
        which: Which,
        /// What the senders are told
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
    /// Remove mail, without notice to its senders
    Remove {
        #[command(flatten)]
        which: Which,
        /// Only this recipient
        recipient: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

/// Which recipients in the queue: all that is said must fit.
#[derive(clap::Args, Debug)]
pub(crate) struct Which {
    /// A message, or one recipient of it: ID or ID.N
    pub(crate) id: Option<String>,
    /// Mail of this sender; @DOMAIN: of all in a domain; <>: notices
    #[arg(long, value_name = "SENDER")]
    pub(crate) from: Option<String>,
    /// Mail to this recipient
    #[arg(long, value_name = "RECIPIENT")]
    pub(crate) to: Option<String>,
    /// Mail to this domain
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// Mail whose last reply contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) reply: Option<String>,
    /// All mail
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Routes {
    /// List hosts that are connected to or disabled after failures (D)
    List,
    /// Use a host again at once
    Resume {
        /// Its id, as the list shows it
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All of them
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Jobs {
    /// List all jobs: when each ran last, how that went, and when it runs next
    List,
    /// Run a job now, and say how it went: exit code 1 if it failed
    Run {
        /// Its name
        name: String,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Dns {
    /// Look a name up, and say what DNSSEC proves: exit code 0 with records, 3 without, 2 if the signatures are wrong
    Lookup {
        /// The name; for PTR an address
        name: String,
        /// The type of record: A, AAAA, MX, TXT, TLSA, PTR…
        kind: String,
        /// Ask this resolver instead of those of the configuration, and verify its answers
        #[arg(long, value_name = "HOST:PORT")]
        resolver: Option<std::net::SocketAddr>,
    },
    /// Say to which organizations the names on standard input belong, a line each; `none` for public suffixes
    OrgDomain {
        /// Find it by the tree walk of DMARC (RFC 9989), asking this resolver, instead of the list of public suffixes
        #[arg(long, value_name = "HOST:PORT")]
        resolver: Option<String>,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Sieve {
    /// Name every error of scripts, on standard output: exit code 0 if there is none, 1 if there is one
    Check {
        /// The scripts; `-` for standard input
        #[arg(required = true)]
        scripts: Vec<PathBuf>,
        /// They are the administrator's: they may start programs
        #[arg(long)]
        admin: bool,
    },
    /// Print what a script would do with a message, an action a line: exit code 1 if it has errors or fails. Nothing is done
    Test(Box<SieveTest>),
    /// List the scripts of an account
    List {
        /// Its address
        account: String,
    },
    /// Print a script of an account
    Get {
        /// The address of the account
        account: String,
        /// The name of the script
        name: String,
    },
    /// Store a script for an account, in place of one of the same name, unless it has errors; the next message meets it
    Put {
        /// The address of the account
        account: String,
        /// The name of the script
        name: String,
        /// The file; `-` for standard input
        script: PathBuf,
        /// Let it decide about arriving mail from now on
        #[arg(long)]
        activate: bool,
    },
    /// Let a script of an account decide about arriving mail, or none
    Activate {
        /// The address of the account
        account: String,
        /// The name of the script
        #[arg(required_unless_present = "none")]
        name: Option<String>,
        /// Let no script decide
        #[arg(long, conflicts_with = "name")]
        none: bool,
    },
    /// Give a script of an account another name; the active one stays active
    Rename {
        /// The address of the account
        account: String,
        /// The name of the script
        name: String,
        /// Its new name
        to: String,
    },
    /// Delete a script of an account that is not active
    Delete {
        /// The address of the account
        account: String,
        /// The name of the script
        name: String,
    },
    /// Print what went wrong in the scripts of an account, oldest first
    Log {
        /// Its address
        account: String,
    },
    /// Print what scripts may require
    Extensions {
        /// In scripts of the administrator's
        #[arg(long)]
        admin: bool,
    },
}

/// The facts that a script may ask for stand on the command line.
#[derive(Args, Debug)]
pub(crate) struct SieveTest {
    /// The script; `-` for standard input
    pub(crate) script: PathBuf,
    /// The message; `-` for standard input
    pub(crate) message: PathBuf,
    /// The envelope's sender, as it is, even if it is malformed [default: Return-Path, Sender or From of the message]
    #[arg(long, value_name = "ADDRESS", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// The envelope's recipient [default: Delivered-To, X-Original-To or To of the message]
    #[arg(long, value_name = "ADDRESS", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// Print what happens step by step, in lines that begin with `#`
    #[arg(long)]
    pub(crate) trace: bool,
    /// It is a script of the administrator's: it may start programs
    #[arg(long)]
    pub(crate) admin: bool,
    /// A mailbox that exists, besides INBOX
    #[arg(long, value_name = "NAME")]
    pub(crate) mailbox: Vec<String>,
    /// Another address of the user's, whose mail `vacation` answers too
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) own: Vec<String>,
    /// What the spam filter found, and what counts as 100 percent
    #[arg(long, value_name = "SCORE/MAXIMUM", allow_hyphen_values = true)]
    pub(crate) spam: Option<String>,
    /// An item of the environment, such as imap.mailbox=Junk
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    /// The folder of the scripts that `include :personal` finds [default: that of the script]
    #[arg(long, value_name = "DIR")]
    pub(crate) include: Option<PathBuf>,
    /// The folder of the scripts that `include :global` finds
    #[arg(long, value_name = "DIR")]
    pub(crate) include_global: Option<PathBuf>,
    /// Run it as on this event in a mailbox, instead of on a delivery
    #[arg(long, value_name = "CAUSE", value_enum, ignore_case = true)]
    pub(crate) event: Option<SieveEvent>,
    /// A flag that the message has on that event
    #[arg(long, value_name = "FLAG", requires = "event")]
    pub(crate) flag: Vec<String>,
    /// Run it as of this time, in seconds since 1970, instead of now
    #[arg(long, value_name = "SECONDS")]
    pub(crate) time: Option<i64>,
}

/// What happened in a mailbox (RFC 6785 §4.3).
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum SieveEvent {
    /// A message was copied or moved there
    Copy,
    /// A message was stored there
    Append,
    /// Flags of a message were changed there
    Flag,
}

impl SieveEvent {
    /// The value of `imap.cause`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SieveEvent::Copy => "COPY",
            SieveEvent::Append => "APPEND",
            SieveEvent::Flag => "FLAG",
        }
    }
}

#[derive(Subcommand, Debug)]
pub(crate) enum Spam {
    /// Learn messages. Each counts once, and what is said last holds
    Learn {
        /// What they are
        #[arg(value_enum, required_unless_present = "all")]
        class: Option<SpamClass>,
        #[command(flatten)]
        what: SpamMessages,
        /// For this account; without it for all
        #[arg(long)]
        account: Option<String>,
        /// Learn what is in the mailboxes already: Junk as spam, INBOX as ham; of all accounts, or of --account
        #[arg(long, conflicts_with_all = ["class", "files"])]
        all: bool,
    },
    /// Take back what was learned of messages, or all that was learned in some time
    Unlearn {
        #[command(flatten)]
        what: SpamMessages,
        /// By this account; without it what was learned for all, or with --since by anybody
        #[arg(long)]
        account: Option<String>,
        /// All that was learned since: a time, a date, or how long ago, like 2d
        #[arg(long, value_name = "WHEN", conflicts_with = "files")]
        since: Option<String>,
        /// And before this time
        #[arg(long, value_name = "WHEN", requires = "since")]
        until: Option<String>,
    },
    /// Print `SCORE / JUNK VERDICT NAME` for each message, by what it says alone: exit code 1 if one is spam
    Score {
        #[command(flatten)]
        what: SpamMessages,
        /// As this account would see it
        #[arg(long)]
        account: Option<String>,
    },
    /// The same with every reason, and what the models think
    Explain {
        #[command(flatten)]
        what: SpamMessages,
        /// As this account would see it
        #[arg(long)]
        account: Option<String>,
    },
    /// How much the filter has learned
    Stat {
        /// Of this account alone
        #[arg(long)]
        account: Option<String>,
    },
    /// What an account wishes of the filter: thresholds and senders of its own, besides those of the settings. Prints them
    Account(SpamAccount),
    /// What other weights and thresholds would have made of the mail that was judged: which messages would be elsewhere.
    /// Nothing is changed
    WhatIf(SpamWhatIf),
    /// Teach and ask a model of its own, for measuring
    Classify(SpamClassify),
}

/// What a message is.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum SpamClass {
    /// Unwanted
    Spam,
    /// Wanted
    Ham,
}

impl From<SpamClass> for server::control::spam::Judged {
    fn from(class: SpamClass) -> Self {
        match class {
            SpamClass::Spam => server::control::spam::Judged::Spam,
            SpamClass::Ham => server::control::spam::Judged::Ham,
        }
    }
}

/// Wishes of an account. What is not given stays.
#[derive(Args, Debug)]
pub(crate) struct SpamAccount {
    /// Its address
    pub(crate) address: String,
    /// Mark from this score on; `default`: as in the settings
    #[arg(long, value_name = "SCORE")]
    pub(crate) mark: Option<String>,
    /// Junk from this per cent of the refusal on
    #[arg(long, value_name = "PERCENT")]
    pub(crate) junk: Option<String>,
    /// Junk is filed as read above this per cent of the refusal
    #[arg(long, value_name = "PERCENT")]
    pub(crate) junk_seen: Option<String>,
    /// Refuse from this score on
    #[arg(long, value_name = "SCORE")]
    pub(crate) refuse: Option<String>,
    /// Mail of this address or domain is welcome, if it is proved to be theirs
    #[arg(long, value_name = "SENDER")]
    pub(crate) allow: Vec<String>,
    /// Mail of this address or domain is refused
    #[arg(long, value_name = "SENDER")]
    pub(crate) deny: Vec<String>,
    /// Take a sender off both lists
    #[arg(long, value_name = "SENDER")]
    pub(crate) forget: Vec<String>,
}

/// Other weights and thresholds. What is not given stays as it was for each message.
#[derive(Args, Debug)]
pub(crate) struct SpamWhatIf {
    /// Another weight of a reason, such as "TEXT_FREE 0.5"; may be given several times
    #[arg(long = "weight", value_name = "NAME WEIGHT")]
    pub(crate) weights: Vec<String>,
    /// `spam.mark`
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub(crate) mark: Option<f32>,
    /// `spam.junk`, per cent of the refusal
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) junk: Option<u32>,
    /// `spam.junk_seen`, per cent of the refusal
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) junk_seen: Option<u32>,
    /// `spam.refuse`
    #[arg(long, value_name = "SCORE")]
    pub(crate) refuse: Option<f32>,
    /// Of this account alone
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// How far back
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: u32,
}

/// Messages for the filter.
#[derive(Args, Debug)]
pub(crate) struct SpamMessages {
    /// Files with a message, mboxes, Maildirs; `-`, or nothing: standard input
    pub(crate) files: Vec<PathBuf>,
}

/// Lines on standard input: `learn spam PATH`, `learn ham PATH`, `score PATH`, `stat`, `quit`; a line on standard output for each.
#[derive(Args, Debug)]
pub(crate) struct SpamClassify {
    /// Take commands from standard input
    #[arg(long, required = true)]
    pub(crate) batch: bool,
    /// The folder of the model, which is empty at first and written at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// Add the rules that need neither network nor envelope
    #[arg(long)]
    pub(crate) with_rules: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Explain {
    /// What the refusal of another server means, and what to do about it; or why we have refused a message, by the code in our reply
    Refusal {
        /// The reply, as it came, or what stands at its end: the word, such as `SPAM-SCORE`, or the number behind it
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Where mail to an address goes, step by step
    Address {
        /// The address
        address: String,
    },
    /// What became of a message, and who decided that
    Message {
        /// The id in the log and in the reply to its sender, its EMAILID, or its Message-ID
        id: String,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Auth {
    /// May this address send mail for this sender? (RFC 7208)
    Spf {
        /// The client's address
        ip: std::net::IpAddr,
        /// What it says in HELO
        helo: String,
        /// The envelope sender; `<>` or nothing for the null sender
        #[arg(default_value = "")]
        from: String,
        #[command(flatten)]
        resolver: AskedResolver,
    },
    /// Print the networks that SPF records permit, a line each, with all that they include (J9); what depends on the message is
    /// named on standard error
    SpfWalk {
        /// Domains; without any they are read from standard input, a line each
        domains: Vec<String>,
        #[command(flatten)]
        resolver: AskedResolver,
    },
    /// Signatures of messages (RFC 6376)
    #[command(subcommand)]
    Dkim(AuthDkim),
    /// Chains of forwarders (RFC 8617)
    #[command(subcommand)]
    Arc(AuthArc),
    /// The DMARC policy for mail from a domain (RFC 9989); the first line is the policy, or, told what is proved, the result
    Dmarc {
        /// The domain of From
        domain: String,
        /// SPF passes for this domain
        #[arg(long, value_name = "DOMAIN")]
        spf: Option<String>,
        /// A signature of this domain passes
        #[arg(long, value_name = "DOMAIN")]
        dkim: Vec<String>,
        #[command(flatten)]
        resolver: AskedResolver,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum AuthArc {
    /// Validate the chain of a message
    Verify {
        /// The message; `-` for standard input
        file: PathBuf,
        #[command(flatten)]
        resolver: AskedResolver,
        /// Verify as of this time, in seconds since 1970, instead of now
        #[arg(long, value_name = "SECONDS")]
        time: Option<i64>,
    },
    /// Add a set to the chain of the message on standard input, and print it
    Seal {
        #[command(flatten)]
        signing: SigningKey,
        /// What was found on arrival: the value of an Authentication-Results field
        #[arg(long, value_name = "TEXT", default_value = "localhost; none")]
        results: String,
        #[command(flatten)]
        resolver: AskedResolver,
    },
}

/// How to sign.
#[derive(Args, Debug, Clone)]
pub(crate) struct SigningKey {
    /// The domain that signs
    #[arg(long)]
    pub(crate) domain: String,
    /// Where the public key is: SELECTOR._domainkey.DOMAIN
    #[arg(long)]
    pub(crate) selector: String,
    /// The private key: PEM, or an ed25519 seed in base64
    #[arg(long)]
    pub(crate) key: PathBuf,
    /// Sign as of this time, in seconds since 1970, instead of now
    #[arg(long, value_name = "SECONDS")]
    pub(crate) time: Option<i64>,
    /// Print only the new fields
    #[arg(long)]
    pub(crate) field_only: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum AuthDkim {
    /// Verify all signatures of a message
    Verify {
        /// The message; `-` for standard input
        file: PathBuf,
        #[command(flatten)]
        resolver: AskedResolver,
        /// Verify as of this time, in seconds since 1970, instead of now
        #[arg(long, value_name = "SECONDS")]
        time: Option<i64>,
    },
    /// Sign the message on standard input with a key file, and print it with its signature
    Sign(SigningKey),
}

/// Who is asked about DNS.
#[derive(Args, Debug, Clone)]
pub(crate) struct AskedResolver {
    /// Ask this resolver instead of the system's
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) resolver: Option<String>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Check {
    /// Read everything in the store and verify it: exit code 0 if it is sound, 2 if not
    Store,
    /// Compare the names that DNS has for this machine's addresses with `hostname`: exit code 1 with warnings
    Host,
    /// Compare the TLSA records that DNS has for this server with the keys that it serves, and print those that fit: exit code 2 if they do not, since
    /// mail stays away then
    Dane,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Config {
    /// Name every error of the configuration file; exit code 78 if there is one
    Test {
        /// The file, if not that of --config
        file: Option<PathBuf>,
    },
    /// Print settings with their values and where those came from
    Show {
        /// Print the defaults, without reading a file
        #[arg(long, conflicts_with = "all")]
        defaults: bool,
        /// Print all settings, not only those that the file sets
        #[arg(long)]
        all: bool,
    },
    /// Print a complete commented configuration file
    Example,
}

/// Where a password comes from; by default it is asked for, twice. It is never an argument, which others could see.
#[derive(Args, Debug, Clone, Copy)]
pub(crate) struct PasswordFrom {
    /// Read the password from standard input
    #[arg(long, conflicts_with = "generate")]
    pub(crate) password_stdin: bool,
    /// Make one and print it
    #[arg(long)]
    pub(crate) generate: bool,
}

/// For commands that destroy something.
#[derive(Args, Debug, Clone, Copy)]
pub(crate) struct Sure {
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}
