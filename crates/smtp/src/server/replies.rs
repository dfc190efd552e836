//! Every reply that the session gives by itself, in one place. Replies to what only its owner can know come from there.

use super::service::{Role, Service};
use super::state::Question;
use crate::command::sasl_challenge;
use crate::data::Fault;
use crate::{Enhanced, Reply};

const OK: Enhanced = Enhanced(2, 0, 0);
const SEQUENCE: Enhanced = Enhanced(5, 5, 1);

/// The banner.
pub(super) fn banner(service: &Service) -> Reply {
    let protocol = match service.role {
        Role::Mx | Role::Submission | Role::Local => "ESMTP",
        Role::Lmtp => "LMTP",
    };
    Reply::plain(220, format!("{} {protocol} Pennyblack", service.hostname))
}

/// The reply to EHLO or LHLO: the name, then the extensions (RFC 5321 §4.1.1.1).
pub(super) fn extensions(
    service: &Service,
    starttls: bool,
    requiretls: bool,
    mechanisms: &[&str],
) -> Reply {
    let mut lines = vec![
        service.hostname.clone(),
        format!("SIZE {}", service.max_size),
        "PIPELINING".to_owned(),
        "8BITMIME".to_owned(),
        "SMTPUTF8".to_owned(),
        "CHUNKING".to_owned(),
        "ENHANCEDSTATUSCODES".to_owned(),
    ];
    if service.dsn {
        lines.push("DSN".to_owned());
    }
    // LMTP has a reply for each recipient anyway.
    if service.role != Role::Lmtp {
        lines.push("PRDR".to_owned());
    }
    lines.push(limits(service));
    if starttls {
        lines.push("STARTTLS".to_owned());
    }
    if requiretls {
        lines.push("REQUIRETLS".to_owned());
    }
    if !mechanisms.is_empty() {
        lines.push(format!("AUTH {}", mechanisms.join(" ")));
    }
    lines.push("HELP".to_owned());
    Reply {
        code: 250,
        enhanced: None,
        lines,
    }
}

/// RFC 9422 §4.
fn limits(service: &Service) -> String {
    let recipients = service.max_recipients;
    match service.max_messages {
        Some(messages) => format!("LIMITS MAILMAX={messages} RCPTMAX={recipients}"),
        None => format!("LIMITS RCPTMAX={recipients}"),
    }
}

pub(super) fn helo(service: &Service) -> Reply {
    Reply::plain(250, service.hostname.clone())
}

pub(super) fn ok() -> Reply {
    Reply::new(250, OK, "OK")
}

pub(super) fn goodbye(service: &Service) -> Reply {
    Reply::new(221, OK, format!("{} says goodbye", service.hostname))
}

pub(super) fn help(role: Role) -> Reply {
    let hello = match role {
        Role::Lmtp => "LHLO",
        Role::Mx | Role::Submission | Role::Local => "EHLO HELO",
    };
    let lines = [
        format!("{hello} MAIL RCPT DATA BDAT RSET"),
        "NOOP VRFY HELP QUIT STARTTLS AUTH".to_owned(),
        "See RFC 5321; for the people who run this server, write to postmaster".to_owned(),
    ];
    Reply {
        code: 214,
        enhanced: Some(OK),
        lines: lines.to_vec(),
    }
}

/// RFC 5321 §3.5.3: we do not say who exists, and we do take mail.
pub(super) fn vrfy() -> Reply {
    Reply::new(
        252,
        OK,
        "Addresses are checked at RCPT only; send a message to find out",
    )
}

pub(super) fn expn() -> Reply {
    Reply::new(502, SEQUENCE, "Lists are not expanded here")
}

pub(super) fn go_ahead() -> Reply {
    Reply::plain(
        354,
        "Send the message; end it with a line that holds only a dot",
    )
}

pub(super) fn start_tls() -> Reply {
    Reply::new(220, OK, "Begin TLS")
}

pub(super) fn challenge(data: &[u8]) -> Reply {
    Reply::plain(334, sasl_challenge(data))
}

// What came at the wrong time (503, RFC 5321 §4.1.4).

pub(super) fn hello_first(role: Role) -> Reply {
    let hello = if role == Role::Lmtp { "LHLO" } else { "EHLO" };
    Reply::new(503, SEQUENCE, format!("Say {hello} first"))
}

pub(super) fn wrong_hello(role: Role) -> Reply {
    let text = match role {
        Role::Lmtp => "This is LMTP; say LHLO",
        Role::Mx | Role::Submission | Role::Local => "This is SMTP; say EHLO",
    };
    Reply::new(500, SEQUENCE, text)
}

pub(super) fn mail_first() -> Reply {
    Reply::new(503, SEQUENCE, "Say MAIL first")
}

pub(super) fn nested_mail() -> Reply {
    Reply::new(503, SEQUENCE, "A transaction is open; RSET ends it")
}

pub(super) fn no_recipients(refused: bool) -> Reply {
    match refused {
        true => Reply::new(554, SEQUENCE, "No recipient was accepted"),
        false => Reply::new(503, SEQUENCE, "Say RCPT first"),
    }
}

pub(super) fn chunks_began() -> Reply {
    Reply::new(
        503,
        SEQUENCE,
        "The message has begun with BDAT; go on with BDAT, or say RSET",
    )
}

pub(super) fn too_early(what: &str) -> Reply {
    Reply::new(
        503,
        Enhanced(5, 5, 0),
        format!("Text came after {what} and before the reply to it; closing"),
    )
}

pub(super) fn tls_already() -> Reply {
    Reply::new(503, SEQUENCE, "TLS is active already")
}

pub(super) fn no_tls() -> Reply {
    Reply::new(502, SEQUENCE, "STARTTLS is not available here")
}

// Log-in (RFC 4954, RFC 3207).

pub(super) fn tls_required() -> Reply {
    Reply::new(
        530,
        Enhanced(5, 7, 0),
        "Say STARTTLS first: without TLS, nothing is accepted here",
    )
}

pub(super) fn login_required() -> Reply {
    Reply::new(530, Enhanced(5, 7, 0), "Log in first, with AUTH")
}

pub(super) fn auth_needs_tls() -> Reply {
    Reply::new(
        538,
        Enhanced(5, 7, 11),
        "Say STARTTLS first: passwords are taken over TLS only",
    )
}

pub(super) fn no_auth() -> Reply {
    Reply::new(
        502,
        SEQUENCE,
        "There is no log-in here; users send mail through ports 465 and 587",
    )
}

pub(super) fn auth_in_transaction() -> Reply {
    Reply::new(503, SEQUENCE, "AUTH is not possible within a transaction")
}

pub(super) fn auth_already() -> Reply {
    Reply::new(503, SEQUENCE, "You are logged in already")
}

pub(super) fn mechanism_unknown() -> Reply {
    Reply::new(
        504,
        Enhanced(5, 5, 4),
        "This mechanism is not offered; EHLO lists those that are",
    )
}

pub(super) fn auth_cancelled() -> Reply {
    Reply::new(501, Enhanced(5, 7, 0), "Log-in cancelled")
}

// Addresses and parameters.

pub(super) fn sender_needs_smtputf8() -> Reply {
    Reply::new(
        553,
        Enhanced(5, 6, 7),
        "The sender's address is not ASCII; say SMTPUTF8 with MAIL",
    )
}

pub(super) fn recipient_needs_smtputf8() -> Reply {
    Reply::new(
        553,
        Enhanced(5, 6, 7),
        "The recipient's address is not ASCII; say SMTPUTF8 with MAIL",
    )
}

pub(super) fn too_large(service: &Service) -> Reply {
    Reply::new(
        552,
        Enhanced(5, 3, 4),
        format!(
            "The message is larger than the {} octets accepted here (MESSAGE-TOO-BIG)",
            service.max_size
        ),
    )
}

/// RFC 2033 and RFC 5321 have no code for broken lines; 5.6.11 is what other servers say.
pub(super) fn faulty(fault: Fault) -> Reply {
    let enhanced = match fault {
        Fault::BareCr | Fault::BareLf => Enhanced(5, 6, 11),
        Fault::Nul => Enhanced(5, 6, 0),
    };
    let text = match fault {
        Fault::BareCr => "The message has a CR without LF; lines end with CRLF",
        Fault::BareLf => "The message has an LF without CR; lines end with CRLF",
        Fault::Nul => "The message has a NUL octet; binary content must be encoded",
    };
    Reply::new(550, enhanced, text)
}

// Lines.

pub(super) fn line_too_long() -> Reply {
    Reply::new(500, Enhanced(5, 5, 2), "The line is too long")
}

/// RFC 4954 §6.
pub(super) fn sasl_line_too_long() -> Reply {
    Reply::new(500, Enhanced(5, 5, 6), "The response is too long")
}

pub(super) fn bare_lf_in_command() -> Reply {
    Reply::new(
        500,
        Enhanced(5, 5, 2),
        "The line ended with LF alone; lines end with CRLF",
    )
}

// Limits.

pub(super) fn too_many_recipients(service: &Service) -> Reply {
    Reply::new(
        452,
        Enhanced(4, 5, 3),
        format!(
            "A transaction has at most {} recipients; send to the others in another one (TOO-MANY-RECIPIENTS)",
            service.max_recipients
        ),
    )
}

pub(super) fn too_many_refused() -> Reply {
    Reply::new(
        452,
        Enhanced(4, 5, 3),
        "Too many recipients were refused in this session; try this one later",
    )
}

pub(super) fn too_many_messages() -> Reply {
    Reply::new(
        421,
        Enhanced(4, 7, 0),
        "Enough messages for one session; connect again for more",
    )
}

pub(super) fn too_many_errors() -> Reply {
    Reply::new(421, Enhanced(4, 7, 0), "Too many errors; closing")
}

pub(super) fn too_many_idle_commands() -> Reply {
    Reply::new(
        421,
        Enhanced(4, 7, 0),
        "Too many commands without a message; closing",
    )
}

pub(super) fn too_many_logins() -> Reply {
    Reply::new(421, Enhanced(4, 7, 0), "Too many failed log-ins; closing")
}

pub(super) fn unanswered() -> Reply {
    Reply::new(
        451,
        Enhanced(4, 3, 0),
        "This could not be done now; try again later",
    )
}

pub(super) fn shutting_down(service: &Service) -> Reply {
    Reply::new(
        421,
        Enhanced(4, 3, 2),
        format!("{} is going down; try again in a minute", service.hostname),
    )
}

pub(super) fn dismissed() -> Reply {
    Reply::new(
        421,
        Enhanced(4, 7, 0),
        "This account was locked, removed or changed; log in again, or ask your administrator",
    )
}

pub(super) fn timed_out(service: &Service) -> Reply {
    Reply::new(
        421,
        Enhanced(4, 4, 2),
        format!("{} has waited too long for you; closing", service.hostname),
    )
}

// Replies for each recipient (draft-hall-prdr).

pub(super) fn each_recipient() -> Reply {
    Reply::plain(
        353,
        "The recipients differ; a reply for each follows, then one for all",
    )
}

/// The last reply, which counts for the message as a whole.
pub(super) fn after_each_recipient(replies: &[Reply]) -> Reply {
    if replies.iter().any(Reply::is_positive) {
        return Reply::new(250, OK, "Taken for those recipients that were told so");
    }
    match replies.iter().find(|reply| reply.is_temporary()) {
        Some(reply) => Reply::new(
            reply.code,
            Enhanced(4, 0, 0),
            "Taken for no recipient; try again later",
        ),
        None => Reply::new(550, Enhanced(5, 0, 0), "Taken for no recipient"),
    }
}

/// The owner said yes.
pub(super) fn accepted(question: &Question) -> Reply {
    match question {
        Question::Mail(_) => Reply::new(250, Enhanced(2, 1, 0), "Sender OK"),
        Question::Rcpt(_) => Reply::new(250, Enhanced(2, 1, 5), "Recipient OK"),
        Question::Chunk(..) => Reply::new(250, OK, "Chunk taken"),
        Question::Message(_) => Reply::new(250, OK, "Message taken"),
        Question::Login => Reply::new(235, Enhanced(2, 7, 0), "Logged in"),
        Question::StartTls => ok(),
    }
}
