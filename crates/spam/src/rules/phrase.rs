//! Rules on the words of the visible text. All patterns are looked for at once, in any case, with single blanks for all white space.

use super::{Check, Evidence, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "TEXT_REMOVE_ME",
        weight: 2.2,
        most: 2.2,
        about: "How to be removed from a list, by answer or link",
        why: "Lists that one has joined name the list; who has not asked offers removal.",
        check: Check::Text(
            r"to (?:be|get) (?:removed|deleted|taken off)|(?:be|been) removed from (?:our|this|future|the|all|any)|remove (?:me|yourself|your (?:e-?mail|name|address))|(?:click|reply|e-?mail|send)[^.]{0,60}\bremove\b|\bremove\b[^.]{0,20} (?:in|as) the subject|removal (?:instructions|request|from)|(?:take|get) (?:me|you|your (?:name|address|e-?mail)) off (?:of )?(?:our|this|the)|(?:not|no longer) (?:wish|want) to (?:receive|get|be contacted)|(?:rather|prefer) not (?:to )?receive|opt[- ]?out|discontinue receiving|do not wish to receive",
        ),
    },
    Rule {
        name: "TEXT_DENIES_SPAM",
        weight: 0.9,
        most: 3.0,
        about: "It says that it is no spam, or cites a law that it obeys",
        why: "Nobody else mentions it.",
        check: Check::Text(
            r"this (?:is|e-?mail is|message is|mail is) (?:not|never)[^.]{0,30} (?:spam|unsolicited)|(?:not|never) (?:be considered )?spam\b|section 301|s\.? ?1618|bill s|title iii[^.]{0,30}105th|cannot be considered spam|under bill|(?:compliance|accordance) with[^.]{0,40}(?:spam|commercial e-?mail|e-?mail bill)|this is a one[- ]time|strict anti-spam policy|we (?:do not|don't) (?:send|condone) (?:spam|unsolicited)",
        ),
    },
    Rule {
        name: "TEXT_YOU_OPTED_IN",
        weight: 0.1,
        most: 1.8,
        about: "It says that the recipient has asked for it",
        why: "True senders remind of it too; others do it always.",
        check: Check::Text(
            r"you (?:are |were |have )?(?:receiv(?:ing|ed)|getting|been sent) (?:this|our)[^.]{0,60} because|(?:you|who) (?:have )?(?:opted|opt)[- ]?in|opt[- ]in (?:list|e-?mail|mailing|subscri\w+)|you (?:have )?(?:requested|agreed|signed up|registered) to receive|your (?:e-?mail )?address was (?:obtained|provided|submitted)|one of our partner|(?:our|its) (?:affiliates|marketing partner)|opt-in (?:to|with)",
        ),
    },
    Rule {
        name: "TEXT_CLICK_HERE",
        weight: 1.2,
        most: 1.2,
        about: "It asks for a click",
        why: "Words that sell instead of saying where the link leads.",
        check: Check::Text(
            r"click (?:here|below|on (?:the|this) link|the link|now)|visit (?:our|us at|this) (?:web ?)?(?:site|page)?|go to (?:our|this) (?:web ?)?site",
        ),
    },
    Rule {
        name: "TEXT_FREE",
        weight: 0.4,
        most: 1.5,
        about: "Something free, or without risk or obligation",
        why: "The words that sell best.",
        check: Check::Text(
            r"100% (?:free|guaranteed|risk|satisfaction|legal|natural|safe)|absolutely free|(?:for|is|are|totally|completely) free[!,.]|free (?:gift|trial|sample|quote|consultation|shipping|access|membership|information|report|preview|pass|tour|bonus|download|cell|phone|no[- ]obligation|cash|leads|vacation)|no (?:risk|obligation|cost|strings|gimmicks|catch|purchase|fees?|experience|investment|credit check)\b|risk[- ]free|satisfaction guaranteed|money[- ]back|try it free",
        ),
    },
    Rule {
        name: "TEXT_HURRIES",
        weight: 0.1,
        most: 1.5,
        about: "It hurries: limited, now, today only",
        why: "Whoever hurries does not compare.",
        check: Check::Text(
            r"(?:act|order|call|buy|apply|join|subscribe|enroll|click|reply) (?:now|today|right (?:now|away)|immediately)[!.]?|limited (?:time|offer|supply|number)|don't (?:miss|delay|wait|hesitate|let)|while (?:supplies|they) last|(?:offer|special) (?:expires|ends)|hurry[ !]|once in a lifetime|expires? (?:soon|today)|time is running out|before it(?:'s| is) too late",
        ),
    },
    Rule {
        name: "TEXT_INCOME",
        weight: 0.9,
        most: 3.0,
        about: "Much money for little work",
        why: "Nobody who has it offers it to strangers.",
        check: Check::Text(
            r"work (?:at|from) home|home[- ]?based business|(?:make|earn|earning|making|generate) (?:up to |over |as much as |at least |an? extra )?(?:\$|money|thousands|cash|big)|extra (?:income|cash|money)|financial (?:freedom|independence)|be your own boss|(?:multi[- ]?level|network) marketing|\bmlm\b|business opportunity|(?:per|a|each|every) (?:week|month|day)[^.]{0,20}(?:from|at) home|residual income|get rich|quit your job|money[- ]making|secrets? of (?:the )?(?:rich|wealth)|(?:six|five|6|5)[- ]figure|pyramid|chain letter|cash flow|unlimited income|millionaire|dollars? (?:in|within) (?:the next )?\d+ (?:days|weeks)",
        ),
    },
    Rule {
        name: "TEXT_LOANS",
        weight: 1.2,
        most: 2.5,
        about: "Mortgages, loans, debts",
        why: "One of the oldest goods of unsolicited mail.",
        check: Check::Text(
            r"(?:mortgage|refinanc|interest) (?:rates?|quotes?|loans?|lenders?|companies|application)|refinanc(?:e|ing)|home (?:equity|loan|improvement loan)|(?:lowest|best|low) (?:interest )?rates?|(?:debt|bill) (?:consolidation|free|elimination|relief)|(?:bad|no|poor|perfect|your|repair) credit|credit (?:card debt|repair|history|rating|report)|consolidate|unsecured|(?:get|out) (?:out )?of debt|approved? (?:for|loan|application)|pre-?approved|lenders? compete|life insurance|insurance (?:quotes?|rates|companies|premium)|term life",
        ),
    },
    Rule {
        name: "TEXT_MEDICINE",
        weight: 0.5,
        most: 3.0,
        about: "Medicine, slimming, enlargement",
        why: "Doctors do not sell by unsolicited mail.",
        check: Check::Text(
            r"viagra|cialis|levitra|phentermine|xenical|propecia|zyban|valium|xanax|vicodin|\bhgh\b|human growth hormone|(?:online|without) (?:a )?prescription|prescription (?:drugs?|medications?|needed|required)|pharmacy|(?:lose|burn|losing|shed) (?:up to )?(?:weight|fat|\d+ (?:pounds|lbs))|weight loss|(?:penis|breast|bust) (?:enlarge|size)|enlarge(?:ment|r)?\b|(?:fat|calorie)[- ]burn|herbal|anti-?aging|wrinkles?|miracle|cellulite|erection|impoten|libido|dietary|metabolism|fda approved|doctor (?:approved|recommended)",
        ),
    },
    Rule {
        name: "TEXT_ADULT",
        weight: 0.8,
        most: 3.0,
        about: "Pornography",
        why: "Offered unasked by nobody decent.",
        check: Check::Text(
            r"\bxxx\b|\bporn|hard ?core|(?:hot|horny|naked|nude|sexy|young|barely legal) (?:teens?|girls?|women|babes?|chicks?|amateurs?|live|action|housewives|wives|models|ladies)|(?:must be|are you|over) (?:at least )?(?:18|21)|(?:adult|live) (?:sex|entertainment|web ?cams?|video)|web ?cam girls?|sluts?|\bpussy\b|\bcum(?:shot)?\b|explicit|adults? only|erotic|lolita|incest|hottest (?:girls|babes|site)",
        ),
    },
    Rule {
        name: "TEXT_ADVANCE_FEE",
        weight: 1.5,
        most: 4.5,
        about: "A fortune that waits abroad for a stranger's help",
        why: "The fraud in which the victim pays fees for it.",
        check: Check::Text(
            r"next of kin|(?:late|deceased|former) (?:head of state|president|general|husband|father|client|customer|minister)|(?:million|billion|m) (?:united states |us |u\.s\. )?(?:dollars|pounds|euros?)[^.]{0,120}(?:account|transfer|fund|deposit|bank)|(?:foreign|overseas|offshore|your) (?:bank )?account[^.]{0,80}(?:transfer|fund|remit)|(?:transfer|claim|move|secure) (?:of )?(?:this|the|these) (?:money|funds?|sum)|(?:utmost|absolute|strictly?|top) (?:confiden|secre)|confidential(?:ity)? (?:business|proposal|transaction|and)|business (?:proposal|relationship|transaction)[^.]{0,60}(?:confiden|trust|mutual)|(?:foreign|reliable|trustworthy|honest) (?:partner|person|foreigner)|nigeria|sierra leone|(?:security|finance) company[^.]{0,60}(?:deposit|consign|trunk|box)|abacha|mobutu|savimbi|(?:modalities|sharing ratio)|unclaimed (?:fund|inherit)|beneficiary|you (?:have )?won[^.]{0,60}(?:lottery|lotto|\d{3},\d{3})",
        ),
    },
    Rule {
        name: "TEXT_ACCOUNT_THREAT",
        weight: 1.0,
        most: 2.5,
        about: "An account that will be closed unless its owner confirms something",
        why: "So begins the theft of passwords.",
        check: Check::Text(
            r"(?:verify|confirm|update|validate|re-?activate) your (?:account|identity|information|billing|details|password|e-?mail|mailbox|payment)|account (?:has been|was|is|will be) (?:suspended|limited|locked|closed|deactivated|restricted|terminated|disabled)|(?:mailbox|storage|quota)[^.]{0,30}(?:full|exceeded|almost full|limit)|password (?:has |will |is )?(?:expired?|expires|about to expire)|unusual (?:sign|log)-?in|(?:unauthori[sz]ed|suspicious) (?:activity|access|transaction|login)|keep (?:the )?(?:same|current) password|(?:parcel|package|shipment|delivery)[^.]{0,40}(?:could not be|unable to|pending|on hold|customs fee)",
        ),
    },
    Rule {
        name: "TEXT_EXTORTION",
        weight: 2.2,
        most: 4.5,
        about: "A threat that asks for digital money",
        why: "A fraud that lives from fear; no honest letter reads so.",
        check: Check::Text(
            r"(?:i|we) (?:have )?(?:hacked|infected|recorded|installed)[^.]{0,120}(?:device|computer|camera|webcam|account|malware|trojan|you)|(?:send|transfer|pay|deposit)[^.]{0,60}(?:bitcoin|btc|monero|usdt)[^.]{0,80}(?:wallet|address)?|(?:bitcoin|btc) (?:wallet|address)",
        ),
    },
    Rule {
        name: "TEXT_STOCKS",
        weight: 0.2,
        most: 2.0,
        about: "A share that will rise",
        why: "Its sender has bought it and wants to sell.",
        check: Check::Text(
            r"(?:otc|otcbb|nasdaq|symbol|ticker)[: ]+[a-z]{4}\b|penny stock|strong buy|(?:price|share) target|hot stock|stock (?:pick|alert|market|tip)|investors? (?:alert|opportunity)|forward[- ]looking statements?|offshore (?:investment|bank|account|trust)|(?:double|triple) your (?:money|investment)|guaranteed return|investment (?:opportunity|advice|grade)",
        ),
    },
    Rule {
        name: "TEXT_BULK_MAIL_OFFER",
        weight: 0.7,
        most: 3.0,
        about: "Addresses, traffic or mass mailings for sale",
        why: "Spam about spam.",
        check: Check::Text(
            r"million(?:s)? (?:of )?(?:e-?mail|addresses|fresh|opt)|bulk (?:e-?mail|mail|friendly)|e-?mail (?:addresses|lists?|marketing|extractor|blast|advertis)|(?:fresh|targeted|qualified) (?:e-?mails?|leads|traffic|visitors)|mass mail|(?:search engine|website) (?:submission|ranking|placement|traffic)|(?:top|first page) (?:of|in|ranking)[^.]{0,20}(?:search engines?|google|yahoo)|web ?site (?:design|promotion|hosting) (?:services?|company|for)|backlinks",
        ),
    },
    Rule {
        name: "TEXT_CHEAP_GOODS",
        weight: 0.5,
        most: 2.0,
        about: "Goods that are sold by unsolicited mail",
        why: "Toner, decoders, watches, diplomas: for twenty years the same.",
        check: Check::Text(
            r"(?:toner|ink ?jet|laser|printer) (?:cartridges?|refill)|cable (?:descrambler|box|converter)|descrambler|(?:university|college) (?:diploma|degree)s?|(?:non-?accredited|prestigious)|replica|rolex|wholesale prices?|(?:retail|regular|our) price[^.]{0,20}\$|\d{2}% (?:off|discount|savings?)|save (?:up to|over|as much as) (?:\$|\d)|(?:satellite|digital) (?:tv|dish|system|cable)|cigarettes?|casino|(?:sports? ?book|gambl|betting|poker|blackjack|slots)|time ?share|all[- ]expenses|vacation (?:package|getaway|certificate)|long distance|calling card|free cell|spy (?:cam|software|on)|detective|background check|dvd (?:copy|burn|movies)|copy (?:dvd|any)|unlimited (?:access|calls|calling|downloads?|hosting)|online (?:dating|degree|auction)|meet (?:singles|people)|singles",
        ),
    },
    Rule {
        name: "TEXT_PHONE_ORDER",
        weight: 1.5,
        most: 1.5,
        about: "A number to order at, a form to fax or to print and send",
        why: "The seller has no address that he could keep.",
        check: Check::Text(
            r"toll[- ]?free|call (?:us )?(?:now|today|at|toll)?:? ?\(?1?[- ]?\(?8(?:00|66|77|88)\)?|1-8(?:00|66|77|88)-|24 hours? (?:a day|recorded|per day)|fax (?:your|this|the|back|to:?|number|or mail)|(?:check|money order|cash|visa|mastercard)[^.]{0,30}(?:or|,) (?:check|money order|cash|visa|mastercard)|credit cards? accepted|order (?:form|by (?:fax|phone|mail))|(?:print|fill out)[^.]{0,30}form|operators? (?:are )?standing by|recorded message",
        ),
    },
    Rule {
        name: "TEXT_GREETS_NOBODY",
        weight: 1.5,
        most: 1.5,
        about: "It greets somebody whose name it does not know",
        why: "Acquaintances know it.",
        check: Check::Text(
            r"^[^a-z]{0,5}(?:dear|hello|hi|attention|attn|greetings?)[ ,:]+(?:valued |beloved |fellow )?(?:friends?|sir|madam|customers?|homeowners?|webmasters?|member|subscribers?|user|business|opportunity|investor|entrepreneur|client|account holder|beneficiary|computer|consumer|e-?mail)\b|dear (?:sir|friend|valued|homeowner)",
        ),
    },
    Rule {
        name: "TEXT_SUCCESS_STORIES",
        weight: 1.0,
        most: 2.0,
        about: "Testimonials, guarantees, as seen on TV",
        why: "Praise by strangers sells to strangers.",
        check: Check::Text(
            r"testimonial|as (?:seen|featured) (?:on|in)|(?:thousands|millions) of (?:people|satisfied|customers|dollars)|(?:amazing|incredible|revolutionary|breakthrough|fantastic|unbelievable) (?:new |offer|product|results?|opportunity|prices?|deal|savings|discovery)|changed? (?:my|your) life|guaranteed? (?:to|results|lowest|approv|income|success)|(?:it|this) really works|(?:you (?:won't|will not|can't) believe)|dreams? (?:come|into) |congratulations|you (?:have been|were|are) (?:selected|chosen|approved|a winner)",
        ),
    },
    Rule {
        name: "TEXT_MONEY",
        weight: 0.1,
        most: 1.0,
        about: "Two or more amounts of money",
        why: "Offers are about money.",
        check: Check::Fact(|e| {
            let amounts = e
                .text
                .match_indices('$')
                .filter(|(at, _)| {
                    e.text[at + 1..]
                        .trim_start()
                        .starts_with(|c: char| c.is_ascii_digit())
                })
                .count();
            (amounts >= 2).then(|| format!("{amounts} amounts"))
        }),
    },
    Rule {
        name: "TEXT_SHOUTS",
        weight: 1.8,
        most: 1.8,
        about: "Many words in capitals, or many exclamation marks",
        why: "It shouts for attention.",
        check: Check::Fact(shouts),
    },
    Rule {
        name: "TEXT_RANDOM_TAIL",
        weight: 0.6,
        most: 2.5,
        about: "The text ends in a word by chance",
        why: "Each copy gets another one, so that filters do not find them equal.",
        check: Check::Fact(random_tail),
    },
];

/// Words in capitals that are too many, if they are one in seven.
const LOUD: usize = 8;

fn shouts(e: &Evidence<'_>) -> Option<String> {
    let text = e.text.as_bytes();
    let marks = text.iter().filter(|octet| **octet == b'!').count();
    let capitals = text.iter().filter(|octet| octet.is_ascii_uppercase());
    // Most letters have not even the capitals of so many words.
    if text.is_ascii() && marks <= 5 && capitals.count() < LOUD * 3 {
        return None;
    }
    let words = text.split(|octet| *octet == b' ');
    let cased = words.filter(|word| word.len() >= 3).filter_map(is_loud);
    let (mut all, mut loud) = (0, 0);
    for is_loud in cased.take(2000) {
        all += 1;
        loud += usize::from(is_loud);
    }
    (loud >= LOUD && loud * 7 > all || marks > 5 && marks * 40 > all)
        .then(|| format!("{loud} of {all} words in capitals, {marks} exclamation marks"))
}

/// Is a word in capitals? `None` for what is no word of letters alone.
fn is_loud(word: &[u8]) -> Option<bool> {
    if word.is_ascii() {
        let letters = word.iter().all(u8::is_ascii_alphabetic);
        return letters.then(|| word.iter().all(u8::is_ascii_uppercase));
    }
    let word = std::str::from_utf8(word).ok()?;
    let letters = word.chars().all(char::is_alphabetic);
    letters.then(|| word.chars().all(char::is_uppercase))
}

fn random_tail(e: &Evidence<'_>) -> Option<String> {
    let last = e.mail.text.trim_end().lines().next_back()?.trim();
    let consonants = last
        .bytes()
        .filter(|o| o.is_ascii_alphabetic() && !b"aeiouyAEIOUY".contains(o))
        .count();
    let mixed = last.bytes().any(|o| o.is_ascii_digit())
        && last.bytes().any(|o| o.is_ascii_lowercase())
        && last.contains('-');
    let word = (8..60).contains(&last.len())
        && last.bytes().all(|o| o.is_ascii_alphanumeric() || o == b'-');
    (word && !last.contains("--") && (mixed || consonants * 100 > last.len() * 82))
        .then(|| last.to_owned())
}
