//! Rules on attachments: what they are, what they call themselves, what is inside (I24). Names decide, and first octets; nothing runs.

use super::{Check, Evidence, Rule};
use crate::document::Trouble;
use crate::mail::{Attachment, Magic};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "ATTACHMENT_PROGRAM",
        weight: 8.0,
        most: 8.0,
        about: "An attached program, or a file that runs one when it is opened",
        why: "Nobody needs to send programs by mail, and most worms came so.",
        check: Check::Fact(|e| {
            named(e, |a, name| {
                a.content == Magic::Program || is_one_of(name, PROGRAMS)
            })
        }),
    },
    Rule {
        name: "ATTACHMENT_PROGRAM_IN_ARCHIVE",
        weight: 7.0,
        most: 7.0,
        about: "A program inside an archive",
        why: "Packed so that filters by name do not see it.",
        check: Check::Fact(|e| entries(e, |name| is_one_of(name, PROGRAMS))),
    },
    Rule {
        name: "ATTACHMENT_DOUBLE_EXTENSION",
        weight: 6.0,
        most: 6.0,
        about: "A name like report.pdf.exe",
        why: "Programs that hide the last extension show report.pdf.",
        check: Check::Fact(|e| {
            named(e, |_, name| is_double(name)).or_else(|| entries(e, is_double))
        }),
    },
    Rule {
        name: "ATTACHMENT_NAME_REVERSED",
        weight: 6.0,
        most: 6.0,
        about: "A name with signs that turn the direction of letters, or with many blanks",
        why: "It is shown as something else than it is.",
        check: Check::Fact(|e| {
            named(e, |_, name| {
                name.contains(['\u{202e}', '\u{202d}', '\u{2067}']) || name.contains("          ")
            })
        }),
    },
    Rule {
        name: "ATTACHMENT_RISKY",
        weight: 3.0,
        most: 3.0,
        about: "An attachment of a kind that is rarely needed and often abused: disk images, HTML, macros, shortcuts to servers",
        why: "Opening it can run something or leads to a false page.",
        check: Check::Fact(|e| named(e, |_, name| is_one_of(name, RISKY))),
    },
    Rule {
        name: "ATTACHMENT_TYPE_LIE",
        weight: 3.0,
        most: 3.0,
        about: "A program that calls itself a picture, a text or a document",
        why: "There is no honest reason.",
        check: Check::Fact(|e| {
            named(e, |a, _| {
                a.content == Magic::Program && !a.media_type.starts_with("application/")
            })
        }),
    },
    Rule {
        name: "ARCHIVE_NESTED",
        weight: 2.5,
        most: 2.5,
        about: "An archive in an archive",
        why: "Packed twice so that filters do not look so deep.",
        check: Check::Fact(|e| troubled(e, Trouble::Nested)),
    },
    Rule {
        name: "ARCHIVE_ENCRYPTED",
        weight: 2.0,
        most: 2.0,
        about: "An encrypted archive",
        why: "Nobody but the recipient can look inside; the password stands in the text.",
        check: Check::Fact(|e| troubled(e, Trouble::Encrypted)),
    },
    Rule {
        name: "ARCHIVE_BOMB",
        weight: 8.0,
        most: 8.0,
        about: "An archive that unpacks to hundreds of times its size",
        why: "It is made to exhaust whoever opens it.",
        check: Check::Fact(|e| troubled(e, Trouble::Bomb)),
    },
    Rule {
        name: "ARCHIVE_BROKEN",
        weight: 1.5,
        most: 1.5,
        about: "An archive that cannot be read",
        why: "Damaged on the way, or made to be read by one program only.",
        check: Check::Fact(|e| troubled(e, Trouble::Broken)),
    },
];

/// Extensions of files that run when they are opened.
const PROGRAMS: &[&str] = &[
    "ade",
    "adp",
    "app",
    "application",
    "appref-ms",
    "appx",
    "asp",
    "bas",
    "bat",
    "chm",
    "class",
    "cmd",
    "com",
    "cpl",
    "crt",
    "csh",
    "der",
    "diagcab",
    "dll",
    "exe",
    "fxp",
    "gadget",
    "grp",
    "hlp",
    "hpj",
    "hta",
    "htc",
    "inf",
    "ins",
    "isp",
    "its",
    "jar",
    "jnlp",
    "job",
    "js",
    "jse",
    "ksh",
    "lib",
    "lnk",
    "mad",
    "maf",
    "mag",
    "mam",
    "maq",
    "mar",
    "mas",
    "mau",
    "mav",
    "maw",
    "mcf",
    "mda",
    "mdb",
    "mde",
    "mdt",
    "mdw",
    "mdz",
    "mht",
    "mhtml",
    "msc",
    "msh",
    "msh1",
    "msh2",
    "mshxml",
    "msi",
    "msix",
    "msp",
    "mst",
    "msu",
    "ops",
    "osd",
    "pcd",
    "pif",
    "pl",
    "plg",
    "prf",
    "prg",
    "printerexport",
    "ps1",
    "ps1xml",
    "ps2",
    "psc1",
    "psc2",
    "psd1",
    "psdm1",
    "pst",
    "reg",
    "scf",
    "scr",
    "sct",
    "settingcontent-ms",
    "shb",
    "shs",
    "sys",
    "theme",
    "tmp",
    "udl",
    "url",
    "vb",
    "vbe",
    "vbp",
    "vbs",
    "vbscript",
    "vhd",
    "vhdx",
    "vsmacros",
    "vsw",
    "vxd",
    "webpnp",
    "website",
    "ws",
    "wsc",
    "wsf",
    "wsh",
    "xbap",
    "xll",
    "xnk",
];
/// Extensions of files that seldom come for a good reason.
const RISKY: &[&str] = &[
    "iso",
    "img",
    "ace",
    "arj",
    "cab",
    "lzh",
    "htm",
    "html",
    "shtml",
    "xhtml",
    "svg",
    "docm",
    "dotm",
    "xlsm",
    "xltm",
    "xlam",
    "pptm",
    "potm",
    "ppam",
    "ppsm",
    "sldm",
    "one",
    "slk",
    "iqy",
    "rdp",
    "library-ms",
    "search-ms",
];
/// Extensions that people trust.
const TRUSTED: &[&str] = &[
    "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "rtf", "jpg", "jpeg", "png", "gif",
    "htm", "html", "csv", "zip", "mp3", "mpg", "avi", "bmp", "wav",
];

fn extension(name: &str) -> Option<&str> {
    let name = name.trim_end_matches(|c: char| c.is_whitespace() || c == '.');
    let file = name.rsplit(['/', '\\', '!']).next().unwrap_or(name);
    file.rsplit_once('.').map(|(_, extension)| extension)
}

fn is_one_of(name: &str, extensions: &[&str]) -> bool {
    extension(name).is_some_and(|extension| {
        extensions
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn is_double(name: &str) -> bool {
    let name = name.trim_end();
    let Some((front, _)) = name.rsplit_once('.') else {
        return false;
    };
    is_one_of(name, PROGRAMS) && is_one_of(front, TRUSTED)
}

fn named(e: &Evidence<'_>, wanted: impl Fn(&Attachment, &str) -> bool) -> Option<String> {
    let found = e.mail.attachments.iter().find(|a| wanted(a, &a.name));
    found.map(|a| a.name.clone())
}

fn entries(e: &Evidence<'_>, wanted: impl Fn(&str) -> bool) -> Option<String> {
    let mut all = e.mail.attachments.iter().flat_map(|a| &a.entries);
    all.find(|name| wanted(name)).cloned()
}

fn troubled(e: &Evidence<'_>, trouble: Trouble) -> Option<String> {
    let found = e
        .mail
        .attachments
        .iter()
        .find(|a| a.trouble.contains(&trouble));
    found.map(|a| a.name.clone())
}
