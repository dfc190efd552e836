//! Command lines as the RFCs show them, as real clients write them, and broken in every way.

use super::*;
use crate::path::PathError;
use proptest::prelude::*;

fn parse(line: &str) -> Result<Command, CommandError> {
    Command::parse(line.as_bytes())
}

fn mail(line: &str) -> MailCommand {
    match parse(line) {
        Ok(Command::Mail(mail)) => mail,
        other => panic!("{line}: {other:?}"),
    }
}

fn rcpt(line: &str) -> RcptCommand {
    match parse(line) {
        Ok(Command::Rcpt(rcpt)) => rcpt,
        other => panic!("{line}: {other:?}"),
    }
}

fn refused(line: &str) -> (u16, String) {
    let reply = parse(line).expect_err(line).reply();
    (
        reply.code,
        reply.enhanced.map(|e| e.to_string()).unwrap_or_default(),
    )
}

#[test]
fn verbs_in_any_case_with_trailing_space() {
    assert_eq!(parse("ehlo bar.com"), Ok(Command::Ehlo("bar.com".into())));
    assert_eq!(parse("HeLo bar.com  "), Ok(Command::Helo("bar.com".into())));
    assert_eq!(parse("LHLO foo.edu"), Ok(Command::Lhlo("foo.edu".into())));
    assert_eq!(parse("data "), Ok(Command::Data));
    assert_eq!(parse("NOOP anything at all"), Ok(Command::Noop));
    assert_eq!(parse("HELP MAIL"), Ok(Command::Help));
    assert_eq!(parse("VRFY Jones"), Ok(Command::Vrfy("Jones".into())));
    assert_eq!(
        parse("EXPN Example-People"),
        Ok(Command::Expn("Example-People".into()))
    );
}

#[test]
fn wrong_commands_get_the_code_of_their_fault() {
    let cases = [
        ("", 500, "5.5.1"),
        ("FOO", 500, "5.5.1"),
        ("GET / HTTP/1.1", 500, "5.5.1"),
        ("NOOP\u{0}", 500, "5.5.2"),
        ("EHLO", 501, "5.5.4"),
        ("EHLO two words", 501, "5.5.4"),
        ("DATA now", 501, "5.5.4"),
        ("QUIT now", 501, "5.5.4"),
        ("RSET x", 501, "5.5.4"),
        ("STARTTLS x", 501, "5.5.4"),
        ("VRFY", 501, "5.5.4"),
        ("MAIL", 501, "5.5.4"),
        ("MAIL <a@b>", 501, "5.5.4"),
        ("MAIL TO:<a@b>", 501, "5.5.4"),
        ("RCPT FROM:<a@b>", 501, "5.5.4"),
        ("MAIL FROM:a@b", 501, "5.1.7"),
        ("RCPT TO:<a@>", 501, "5.1.3"),
        ("RCPT TO:<>", 501, "5.1.3"),
        ("MAIL FROM:<a@b>SIZE=1", 501, "5.5.4"),
        ("MAIL FROM:<a@b> SIZE=x", 501, "5.5.4"),
        ("MAIL FROM:<a@b> SIZE", 501, "5.5.4"),
        ("MAIL FROM:<a@b> SIZE=", 501, "5.5.4"),
        ("MAIL FROM:<a@b> SIZE=1 SIZE=1", 501, "5.5.4"),
        ("MAIL FROM:<a@b> SMTPUTF8=yes", 501, "5.5.4"),
        ("MAIL FROM:<a@b> BODY=9BIT", 501, "5.5.4"),
        ("MAIL FROM:<a@b> BODY=BINARYMIME", 555, "5.5.4"),
        ("MAIL FROM:<a@b> FOO=bar", 555, "5.5.4"),
        ("MAIL FROM:<a@b> NOTIFY=NEVER", 555, "5.5.4"),
        ("MAIL FROM:<a@b> =x", 501, "5.5.4"),
        ("RCPT TO:<a@b> SIZE=1", 555, "5.5.4"),
        ("RCPT TO:<a@b> NOTIFY=NEVER,SUCCESS", 501, "5.5.4"),
        ("RCPT TO:<a@b> NOTIFY=", 501, "5.5.4"),
        ("RCPT TO:<a@b> ORCPT=rfc822", 501, "5.5.4"),
        ("RCPT TO:<a@b> ORCPT=rfc822;+4", 501, "5.5.4"),
        ("BDAT", 501, "5.5.4"),
        ("BDAT -1", 501, "5.5.4"),
        ("BDAT +1", 501, "5.5.4"),
        ("BDAT 10 FIRST", 501, "5.5.4"),
        ("BDAT 99999999999999999999999", 501, "5.5.4"),
        ("AUTH", 501, "5.5.4"),
        ("AUTH PLA!N", 501, "5.5.4"),
        ("AUTH PLAIN not!base64", 501, "5.5.2"),
    ];
    for (line, code, enhanced) in cases {
        assert_eq!(refused(line), (code, enhanced.to_owned()), "{line}");
    }
    let binary = Command::parse(b"EHLO \xff\xfe");
    assert_eq!(binary, Err(CommandError::NotText));
}

/// A13: the null reverse-path. W27: Outlook's space after the colon.
#[test]
fn a13_w27_paths_of_mail() {
    assert_eq!(mail("MAIL FROM:<>").reverse_path, None);
    assert_eq!(
        mail("MAIL FROM: <Smith@bar.com>")
            .reverse_path
            .map(|m| m.to_string()),
        Some("Smith@bar.com".into())
    );
    assert_eq!(mail("mail from:<a@b> size=500000").size, Some(500_000));
    assert_eq!(
        mail("MAIL FROM:<a@b> SIZE=99999999999999999999").size,
        Some(u64::MAX)
    );
}

/// A32: the examples of RFC 3461 §10 (4.1.1.2 and 5).
#[test]
fn a32_rfc3461_examples() {
    let m = mail("MAIL FROM:<Alice@Example.ORG> RET=HDRS ENVID=QQ314159");
    assert_eq!(
        (m.ret, m.envid.as_deref()),
        (Some(Ret::Headers), Some("QQ314159"))
    );
    let r = rcpt("RCPT TO:<Bob@Example.COM> NOTIFY=SUCCESS ORCPT=rfc822;Bob@Example.COM");
    let success = Notify::Of {
        success: true,
        failure: false,
        delay: false,
    };
    assert_eq!(r.notify, Some(success));
    assert_eq!(
        r.orcpt.map(|o| o.to_string()).as_deref(),
        Some("rfc822;Bob@Example.COM")
    );
    assert_eq!(
        rcpt("RCPT TO:<Dana@Ivory.EDU> NOTIFY=NEVER").notify,
        Some(Notify::Never)
    );
    let both = rcpt("RCPT TO:<e@f.org> NOTIFY=FAILURE,delay").notify;
    assert!(matches!(
        both,
        Some(Notify::Of {
            success: false,
            failure: true,
            delay: true
        })
    ));
}

/// RFC 4954 §5 and §4.1.
#[test]
fn rfc4954_examples() {
    assert_eq!(
        mail("MAIL FROM:<e+mc2@example.com> AUTH=e+2Bmc2@example.com")
            .auth
            .as_deref(),
        Some("e+mc2@example.com")
    );
    assert_eq!(mail("MAIL FROM:<a@b> AUTH=<>").auth.as_deref(), Some("<>"));
    assert_eq!(
        parse("AUTH plain dGVzdAB0ZXN0ADEyMzQ="),
        Ok(Command::Auth {
            mechanism: "PLAIN".into(),
            initial: Some(b"test\0test\x001234".to_vec()),
        })
    );
    let empty = parse("AUTH EXTERNAL =");
    assert!(matches!(empty, Ok(Command::Auth { initial: Some(i), .. }) if i.is_empty()));
}

/// RFC 3030 §4.
#[test]
fn rfc3030_chunks() {
    assert_eq!(
        parse("BDAT 86 LAST"),
        Ok(Command::Bdat {
            octets: 86,
            last: true
        })
    );
    assert_eq!(
        parse("bdat 0 last"),
        Ok(Command::Bdat {
            octets: 0,
            last: true
        })
    );
    assert_eq!(
        parse("BDAT 100000"),
        Ok(Command::Bdat {
            octets: 100_000,
            last: false
        })
    );
}

/// U2: RFC 6531 §3.4.
#[test]
fn u02_utf8_addresses() {
    let m = mail("MAIL FROM:<пётр@пример.example> SMTPUTF8 BODY=8BITMIME");
    assert!(m.smtputf8);
    assert_eq!(m.body, Some(Body::EightBitMime));
    assert_eq!(parse("RCPT TO:<a\u{85}@b.c>"), Err(CommandError::NotText));
    assert_eq!(
        parse("MAIL FROM:<pётр>"),
        Err(CommandError::Sender(PathError::NoDomain))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn no_octets_panic(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Command::parse(&line);
    }
    #[test]
    fn no_arguments_panic(
        verb in "(MAIL FROM:|RCPT TO:|BDAT |AUTH |EHLO )",
        rest in "[ -~é]{0,60}",
    ) {
        if let Err(error) = parse(&format!("{verb}{rest}")) {
            prop_assert!(error.reply().code >= 500);
        }
    }
}

/// A list with a name that the parser does not know would hide a command from the tests that go through it.
#[test]
fn every_verb_of_the_list_is_known() {
    for verb in VERBS {
        let parsed = Command::parse(format!("{verb} ?").as_bytes());
        assert!(!matches!(parsed, Err(CommandError::Unknown)), "{verb}");
    }
}
