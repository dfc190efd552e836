//! Plays dialogs: conversations with a server, written so that a person who does not program can read them.
//!
//! A dialog is a file `*.dlg`. It begins with a comment that says what it shows and which catalogue ids it proves. Then:
//!
//! ```text
//! @ listener smtp              smtp, submission, submissions, imap, imaps, pop3, pop3s, lmtp or managesieve; those with TLS from the start shake hands by themselves
//! @ [2] listener imap          the second connection goes elsewhere
//! @ set limits.recipients = 3  a line of configuration for this dialog
//! @ dns down                   every look-up fails
//! @ tokens                     an issuer says which OAuth tokens are good: see world/issuer.rs
//! @ from 198.51.100.1          the client is there (it comes through a proxy); what DNS knows of such clients is in world/dns.rs
//! C: EHLO client.example       the client sends this line
//! C> "a\r\n" "b"*300 "\x00"    the client sends exactly these octets
//! S: 220 mx1.example.com *     the server answers with a line like this; `*` is any text
//! S* 250 *                     the server answers with lines, the last of them like this
//! S: * OK [UIDNEXT {uid:*}]*   {name:pattern} remembers a text, $name uses it again, in either direction
//! !tls                         the client shakes hands (after STARTTLS)
//! !compress                    from here on both sides deflate (after COMPRESS)
//! !close                       the server closes the connection
//! !hangup                      the client closes the connection
//! !advance 301s                the server's clock is turned (s, min, h, d)
//! !holds bob@example.com INBOX 1   the mailbox holds this many messages
//! !ban 198.51.100.0/24         the administrator bans a network; !trap ADDRESS makes a trap
//! !queued 1                    the outbound queue holds this many messages
//! [2] C: NOOP                  the same on a second connection, opened at first use
//! ```
//!
//! In `S:` lines of IMAP a leading `* ` is the star of an untagged response, not a wildcard; `\*` is a star everywhere.

mod pattern;
mod play;
mod script;

pub(crate) use play::play;
pub(crate) use script::Script;
