-- Messages that were removed from mailboxes and can be put back for a time. Their content stays for as long, and counts them among its
-- refs. at: when that was, in seconds since 1970; why: see removed/mod.rs; the rest is as it was in `entry`.

CREATE TABLE removed (
    account {id} NOT NULL,
    at BIGINT NOT NULL,
    mailbox {id} NOT NULL,
    uid BIGINT NOT NULL,
    why BIGINT NOT NULL,
    flags BIGINT NOT NULL,
    keywords {text},
    internal_date BIGINT NOT NULL,
    saved BIGINT NOT NULL,
    size BIGINT NOT NULL,
    message {id} NOT NULL,
    PRIMARY KEY (account, at, mailbox, uid)
) {clustered};

-- What a mailbox was called that is gone, for as long as messages of it may be there.
CREATE TABLE removed_mailbox (
    account {id} NOT NULL,
    mailbox {id} NOT NULL,
    at BIGINT NOT NULL,
    name {text} NOT NULL,
    special_use BIGINT,
    PRIMARY KEY (account, mailbox)
) {clustered};

-- How much of it an account has; apart from its quota.
ALTER TABLE account ADD COLUMN removed_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN removed_messages BIGINT NOT NULL DEFAULT 0;
