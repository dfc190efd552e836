//! Rules on HTML: what is hidden, what is disguised, what only advertisements look like.

use super::{Check, Evidence, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "HTML_ONLY",
        weight: 2.0,
        most: 2.0,
        about: "HTML without a text part beside it",
        why: "Mail programs send both; senders who save the work are seldom people.",
        check: Check::Fact(|e| {
            (e.mail.html_text > 0
                && e.mail
                    .leaves
                    .iter()
                    .all(|leaf| leaf.media_type != "text/plain"))
            .then(String::new)
        }),
    },
    Rule {
        name: "HTML_LIED",
        weight: 1.2,
        most: 2.5,
        about: "HTML that calls itself plain text",
        why: "It is made for programs that guess, by senders who do not know their own mail.",
        check: Check::Fact(|e| {
            let text = e.mail.text.trim_start();
            let opens = ["<html", "<!doctype html", "<body", "<center", "<table"]
                .iter()
                .any(|tag| {
                    text.get(..tag.len())
                        .is_some_and(|head| head.eq_ignore_ascii_case(tag))
                });
            (opens && e.mail.html_text == 0).then(String::new)
        }),
    },
    Rule {
        name: "HTML_HIDDEN_TEXT",
        weight: 1.2,
        most: 2.5,
        about: "Much text that nobody can see",
        why: "It is there for filters, not for readers. Advertisers hide a line for previews; this is more.",
        check: Check::Fact(|e| {
            (e.mail.hidden > 400 || e.mail.hidden > 30 && e.mail.hidden > e.mail.html_text)
                .then(|| format!("{} hidden octets", e.mail.hidden))
        }),
    },
    Rule {
        name: "HTML_IMAGE_INSTEAD_OF_TEXT",
        weight: 1.1,
        most: 2.0,
        about: "Pictures from the web and hardly a word",
        why: "What is to be read stands in the picture, where filters do not see it.",
        check: Check::Fact(|e| {
            (count(e, "img") >= 1 && e.text.len() < 250)
                .then(|| format!("{} octets of text", e.text.len()))
        }),
    },
    Rule {
        name: "HTML_FORM",
        weight: 0.1,
        most: 2.0,
        about: "A form inside the message",
        why: "Passwords and card numbers belong on a page whose address one sees.",
        check: Check::Fact(|e| (count(e, "form") > 0).then(String::new)),
    },
    Rule {
        name: "HTML_SCRIPT",
        weight: 0.1,
        most: 1.5,
        about: "A script inside the message",
        why: "No mail program runs it; honest senders know that.",
        check: Check::Fact(|e| (count(e, "script") > 0).then(String::new)),
    },
    Rule {
        name: "HTML_FRAME",
        weight: 0.1,
        most: 2.0,
        about: "A frame or embedded object in the message",
        why: "It loads from elsewhere what was not sent.",
        check: Check::Fact(|e| {
            ["iframe", "frame", "object", "embed", "applet"]
                .into_iter()
                .find(|name| count(e, name) > 0)
                .map(str::to_owned)
        }),
    },
    Rule {
        name: "HTML_BIG_FONT",
        weight: 1.4,
        most: 1.5,
        about: "Large or red letters set by font tags",
        why: "It shouts for attention.",
        check: Check::Fact(|e| {
            let fonts = e
                .mail
                .elements
                .iter()
                .filter(|element| element.name == "font");
            let loud = fonts.filter(|font| {
                font.attribute("size").is_some_and(|size| {
                    matches!(size.trim_start_matches('+'), "4" | "5" | "6" | "7")
                }) || font.attribute("color").is_some_and(is_red)
            });
            let loud = loud.count();
            (loud >= 2).then(|| format!("{loud} times"))
        }),
    },
    Rule {
        name: "HTML_COLOURED_PAGE",
        weight: 0.1,
        most: 1.0,
        about: "A page with a background of its own colour, centred",
        why: "Made like a poster; letters are not.",
        check: Check::Fact(|e| {
            let coloured = e.mail.elements.iter().any(|element| {
                element.name == "body"
                    && element.attribute("bgcolor").is_some_and(|c| {
                        !c.eq_ignore_ascii_case("#ffffff") && !c.eq_ignore_ascii_case("white")
                    })
            });
            let centred = count(e, "center") > 0
                || e.mail.elements.iter().any(|element| {
                    element
                        .attribute("align")
                        .is_some_and(|align| align.eq_ignore_ascii_case("center"))
                });
            (centred && (coloured || count(e, "font") >= 4)).then(String::new)
        }),
    },
    Rule {
        name: "HTML_WORDS_BROKEN",
        weight: 1.5,
        most: 3.0,
        about: "Comments or empty tags inside words",
        why: "People see the word whole, filters do not.",
        check: Check::Fact(broken_words),
    },
    Rule {
        name: "HTML_WEB_BUG",
        weight: 0.1,
        most: 0.8,
        about: "An invisible picture that tells its sender who has read the message",
        why: "Newsletters use it too, so it says little.",
        check: Check::Fact(|e| {
            let tiny = |value: Option<&str>| {
                value.is_some_and(|value| matches!(value.trim(), "0" | "1" | "0px" | "1px"))
            };
            let bug = e.mail.elements.iter().find(|image| {
                image.name == "img"
                    && tiny(image.attribute("width"))
                    && tiny(image.attribute("height"))
            });
            bug.map(|image| image.attribute("src").unwrap_or_default().to_owned())
        }),
    },
    Rule {
        name: "TEXT_MIXED_SCRIPTS",
        weight: 1.5,
        most: 3.0,
        about: "Words that mix letters of two alphabets which look alike",
        why: "People read the word, filters see another one.",
        check: Check::Fact(mixed_scripts),
    },
];

fn count(e: &Evidence<'_>, name: &str) -> usize {
    e.mail
        .elements
        .iter()
        .filter(|element| element.name == name)
        .count()
}

fn is_red(color: &str) -> bool {
    let color = color.trim().trim_start_matches('#');
    color.eq_ignore_ascii_case("red")
        || color.len() == 6
            && color
                .get(..2)
                .is_some_and(|red| red.eq_ignore_ascii_case("ff"))
            && color.ends_with("0000")
}

/// `V<!-- x -->iagra`: letters on both sides of a comment, several times. Only the beginning of the body is looked through.
fn broken_words(e: &Evidence<'_>) -> Option<String> {
    let body = &e.mail.body()[..e.mail.body().len().min(16 * 1024)];
    if e.mail.html_text == 0 {
        return None;
    }
    let inside = |start: &usize| {
        let end = memchr::memmem::find(&body[*start..], b">").map(|end| start + end + 1);
        let after = end.and_then(|end| body.get(end));
        *start > 0
            && body[start - 1].is_ascii_alphabetic()
            && after.is_some_and(u8::is_ascii_alphabetic)
    };
    let broken = memchr::memmem::find_iter(body, b"<!")
        .filter(inside)
        .count();
    (broken >= 3).then(|| format!("{broken} times"))
}

fn mixed_scripts(e: &Evidence<'_>) -> Option<String> {
    use unicode_security::MixedScript;
    if e.text.is_ascii() {
        return None;
    }
    let words = e
        .text
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| word.len() > 4 && !word.is_ascii());
    let latin = |word: &&str| word.bytes().any(|o| o.is_ascii_alphabetic());
    let mut mixed = words
        .take(2000)
        .filter(|word| latin(word) && !word.is_single_script());
    let first = mixed.next()?;
    mixed.next().map(|second| format!("{first}, {second}"))
}
