-- Mailboxes that others may use (RFC 4314), `\Seen` of their own, and annotations (RFC 5464).

-- Who may do what in a mailbox. identifier: an address, `anyone` or `$group`; with `-` before it, rights that are taken away.
CREATE TABLE acl (
    account {id} NOT NULL,
    mailbox {id} NOT NULL,
    identifier {text} NOT NULL,
    rights BIGINT NOT NULL,
    PRIMARY KEY (account, mailbox, identifier)
) {clustered};
CREATE INDEX acl_identifier ON acl (identifier);

-- Which accounts are in which group.
CREATE TABLE membership (
    account {id} NOT NULL,
    name {text} NOT NULL,
    PRIMARY KEY (account, name)
) {clustered};
CREATE INDEX membership_name ON membership (name);

-- What a mailbox or an account is for others: no row, nothing special. account rows have a mailbox of sixteen zero octets.
CREATE TABLE sharing (
    account {id} NOT NULL,
    mailbox {id} NOT NULL,
    own_seen BIGINT NOT NULL,
    public BIGINT NOT NULL,
    PRIMARY KEY (account, mailbox)
) {clustered};

-- `\Seen` of those who read a mailbox of somebody else's, where each has his own.
CREATE TABLE seen (
    account {id} NOT NULL,
    mailbox {id} NOT NULL,
    uid BIGINT NOT NULL,
    viewer {id} NOT NULL,
    seen BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    PRIMARY KEY (account, mailbox, uid, viewer)
) {clustered};

-- mailbox: sixteen zero octets for the account itself. viewer: sixteen zero octets for what all see. value is sealed.
CREATE TABLE annotation (
    account {id} NOT NULL,
    mailbox {id} NOT NULL,
    viewer {id} NOT NULL,
    entry {text} NOT NULL,
    value {blob} NOT NULL,
    PRIMARY KEY (account, mailbox, viewer, entry)
) {clustered};
