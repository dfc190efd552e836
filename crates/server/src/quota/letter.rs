//! The letters about a full mailbox, in the user's language (P7). With all the fields a message must have (RFC 5322 §3.6), and marked
//! as written by a machine (RFC 3834 §5).

use super::{News, percent};
use crate::config::{Config, Language};
use jiff::Timestamp;
use message::encoded_word;
use store::account::Account;

/// A letter: header section with the empty line, and text.
pub(super) fn write(
    config: &Config,
    account: &Account,
    news: News,
    now: Timestamp,
) -> (Vec<u8>, Vec<u8>) {
    let own = account.language.as_deref().and_then(Language::of);
    let words = words(own.unwrap_or(config.mail.language), news);
    let limits = account.limits().or(config.mail.quota_limits());
    let percent = percent(account.used(), limits);
    let fill = |text: &str| {
        text.replace("{percent}", &percent.to_string())
            .replace("{used}", &size(account.used_bytes))
            .replace("{limit}", &limits.bytes.map_or_else(|| "-".into(), size))
            .replace("{messages}", &account.used_messages.to_string())
            .replace("{address}", &account.address)
    };
    let head = format!(
        "From: {} <postmaster@{}>\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <quota.{}.{}@{}>\r\n\
         Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Language: {}\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
        encoded(words.from),
        config.domain,
        recipient(account),
        encoded(&fill(words.subject)),
        message::date::write(now),
        now.as_millisecond(),
        account.id,
        config.hostname,
        words.tag,
    );
    let body = fill(words.text).replace('\n', "\r\n");
    (head.into_bytes(), body.into_bytes())
}

fn encoded(text: &str) -> String {
    String::from_utf8_lossy(&encoded_word::encode(text.as_bytes())).into_owned()
}

/// The person's name is no phrase that a header could be broken with.
fn recipient(account: &Account) -> String {
    let name: String = account
        .name
        .chars()
        .filter(|c| !c.is_control() && !"\"\\()<>@,;:.[]".contains(*c))
        .collect();
    match name.trim() {
        "" => account.address.clone(),
        name => format!("{} <{}>", encoded(name), account.address),
    }
}

/// As people write sizes: 14.3 GB.
fn size(octets: u64) -> String {
    let units = [("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)];
    let unit = units.iter().find(|(_, unit)| octets >= *unit);
    unit.map_or_else(
        || format!("{octets} B"),
        |(name, unit)| format!("{:.1} {name}", octets as f64 / *unit as f64),
    )
}

/// What stays the same in all letters of a kind and a language.
struct Words {
    tag: &'static str,
    from: &'static str,
    subject: &'static str,
    text: &'static str,
}

fn words(language: Language, news: News) -> Words {
    let (tag, from, warning, below) = match language {
        Language::English => ("en", "Mail system", ENGLISH.0, ENGLISH.1),
        Language::German => ("de", "Mailsystem", GERMAN.0, GERMAN.1),
        Language::French => ("fr", "Messagerie", FRENCH.0, FRENCH.1),
        Language::Spanish => ("es", "Sistema de correo", SPANISH.0, SPANISH.1),
    };
    let (subject, text) = match news {
        News::Warning => warning,
        News::Below => below,
    };
    Words {
        tag,
        from,
        subject,
        text,
    }
}

/// Subject and text of the warning, and of the notice that mail is taken again.
type Letters = ((&'static str, &'static str), (&'static str, &'static str));

const ENGLISH: Letters = (
    (
        "Your mailbox is {percent}% full",
        "Hello,\n\n\
         the mailbox {address} is {percent}% full: it holds {messages} messages, {used} of {limit}.\n\n\
         When it is full, new mail for you is not taken any more, and its senders are told so.\n\
         Please delete what you do not need, large attachments first, and empty the trash.\n",
    ),
    (
        "Your mailbox takes mail again",
        "Hello,\n\n\
         the mailbox {address} was full and takes mail again: it is {percent}% full now\n\
         ({used} of {limit}).\n\n\
         Mail that could not be taken meanwhile is sent again by most servers; for the rest, its\n\
         senders have been told that it did not reach you.\n",
    ),
);

const GERMAN: Letters = (
    (
        "Ihr Postfach ist zu {percent} % voll",
        "Guten Tag,\n\n\
         das Postfach {address} ist zu {percent} % voll: Es enthält {messages} Nachrichten, {used} von {limit}.\n\n\
         Wenn es voll ist, wird neue Post für Sie nicht mehr angenommen, und die Absender erfahren das.\n\
         Bitte löschen Sie, was Sie nicht brauchen, große Anhänge zuerst, und leeren Sie den Papierkorb.\n",
    ),
    (
        "Ihr Postfach nimmt wieder Post an",
        "Guten Tag,\n\n\
         das Postfach {address} war voll und nimmt wieder Post an: Es ist jetzt zu {percent} % voll\n\
         ({used} von {limit}).\n\n\
         Post, die inzwischen nicht angenommen wurde, senden die meisten Server noch einmal; bei der\n\
         übrigen haben die Absender erfahren, dass sie Sie nicht erreicht hat.\n",
    ),
);

const FRENCH: Letters = (
    (
        "Votre boîte aux lettres est pleine à {percent} %",
        "Bonjour,\n\n\
         la boîte {address} est pleine à {percent} % : elle contient {messages} messages, {used} sur {limit}.\n\n\
         Une fois pleine, elle n'accepte plus de nouveau courrier, et les expéditeurs en sont avertis.\n\
         Supprimez ce dont vous n'avez pas besoin, les grandes pièces jointes d'abord, et videz la corbeille.\n",
    ),
    (
        "Votre boîte aux lettres accepte à nouveau le courrier",
        "Bonjour,\n\n\
         la boîte {address} était pleine et accepte à nouveau le courrier : elle est maintenant\n\
         pleine à {percent} % ({used} sur {limit}).\n\n\
         Le courrier refusé entre-temps est renvoyé par la plupart des serveurs ; pour le reste, les\n\
         expéditeurs ont été avertis qu'il ne vous est pas parvenu.\n",
    ),
);

const SPANISH: Letters = (
    (
        "Su buzón está lleno al {percent} %",
        "Hola:\n\n\
         El buzón {address} está lleno al {percent} %: contiene {messages} mensajes, {used} de {limit}.\n\n\
         Cuando esté lleno, ya no aceptará correo nuevo, y los remitentes serán avisados.\n\
         Borre lo que no necesite, primero los adjuntos grandes, y vacíe la papelera.\n",
    ),
    (
        "Su buzón vuelve a aceptar correo",
        "Hola:\n\n\
         El buzón {address} estaba lleno y vuelve a aceptar correo: ahora está lleno al {percent} %\n\
         ({used} de {limit}).\n\n\
         El correo que no se aceptó mientras tanto lo vuelven a enviar la mayoría de los servidores; del\n\
         resto, los remitentes han sabido que no le llegó.\n",
    ),
);

#[cfg(test)]
mod tests {
    use super::*;

    /// P7: nothing is left to fill in, and the sign of per cent stands once.
    #[test]
    fn p07_every_language_has_whole_letters() {
        for language in Language::ALL {
            for news in [News::Warning, News::Below] {
                let words = words(language, news);
                assert_eq!(Language::of(words.tag), Some(language));
                for text in [words.subject, words.text] {
                    assert!(!text.contains("%%") && !text.contains('\r'), "{text}");
                }
                for place in ["{address}", "{percent}", "{used}", "{limit}"] {
                    assert!(words.text.contains(place), "{place} in {}", words.tag);
                }
            }
        }
    }
}
