-- The first schema: one text for both engines. Markers: {id} a 128-bit id, {blob} octets, {text} text that sorts by octets,
-- {counter} a number the engine allocates, {clustered} stored in the order of the primary key where the engine can.
-- A line that begins with "--postgres:" holds for PostgreSQL alone.

CREATE TABLE domain (
    name {text} PRIMARY KEY,
    alias_of {text},
    active BIGINT NOT NULL
) {clustered};

CREATE TABLE account (
    id {id} PRIMARY KEY,
    address {text} NOT NULL UNIQUE,
    name {text} NOT NULL,
    active BIGINT NOT NULL,
    hash {text},
    scram {text},
    quota BIGINT,
    used_bytes BIGINT NOT NULL,
    used_messages BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    -- The newest UIDVALIDITY given to a mailbox, so that none is given twice.
    uid_validity BIGINT NOT NULL,
    -- The change log is complete for what happened after this MODSEQ.
    log_from BIGINT NOT NULL,
    created BIGINT NOT NULL
) {clustered};

CREATE TABLE alias (
    source {text} NOT NULL,
    target {text} NOT NULL,
    active BIGINT NOT NULL,
    PRIMARY KEY (source, target)
) {clustered};
CREATE INDEX alias_target ON alias (target);

CREATE TABLE mailbox (
    account {id} NOT NULL,
    id {id} NOT NULL,
    name {text} NOT NULL,
    uid_validity BIGINT NOT NULL,
    uid_next BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    unseen BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    special_use BIGINT,
    PRIMARY KEY (account, id)
) {clustered};
CREATE UNIQUE INDEX mailbox_name ON mailbox (account, name);

CREATE TABLE subscription (
    account {id} NOT NULL,
    name {text} NOT NULL,
    PRIMARY KEY (account, name)
) {clustered};

-- Narrow on purpose: listing flags reads this table alone. Dates are seconds since 1970; keywords are separated by spaces.
CREATE TABLE entry (
    account {id} NOT NULL,
    mailbox {id} NOT NULL,
    uid BIGINT NOT NULL,
    flags BIGINT NOT NULL,
    keywords {text},
    modseq BIGINT NOT NULL,
    internal_date BIGINT NOT NULL,
    saved BIGINT NOT NULL,
    size BIGINT NOT NULL,
    message {id} NOT NULL,
    PRIMARY KEY (account, mailbox, uid)
) {clustered};

-- One row per message of an account, however many mailboxes it is in (refs counts its entries).
CREATE TABLE content (
    account {id} NOT NULL,
    message {id} NOT NULL,
    refs BIGINT NOT NULL,
    size BIGINT NOT NULL,
    body {blob} NOT NULL,
    summary {blob} NOT NULL,
    PRIMARY KEY (account, message)
) {clustered};

-- refs counts rows of content and queue. place: 0 a row of octets, 1 a file.
CREATE TABLE body (
    hash {blob} PRIMARY KEY,
    refs BIGINT NOT NULL,
    size BIGINT NOT NULL,
    place BIGINT NOT NULL,
    octets BIGINT,
    file {text}
) {clustered};

CREATE TABLE octets (
    id {counter},
    data {blob} NOT NULL
);
--postgres: ALTER TABLE octets ALTER COLUMN data SET STORAGE EXTERNAL;

-- The change log. n counts the records of one transaction; data is the record in postcard form.
CREATE TABLE change (
    account {id} NOT NULL,
    modseq BIGINT NOT NULL,
    n BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    mailbox {id},
    data {blob} NOT NULL,
    PRIMARY KEY (account, modseq, n)
) {clustered};

CREATE TABLE queue (
    id {id} PRIMARY KEY,
    account {id},
    created BIGINT NOT NULL,
    size BIGINT NOT NULL,
    body {blob} NOT NULL,
    header_size BIGINT NOT NULL,
    -- Reverse-path and what MAIL said, in postcard form, sealed.
    envelope {blob} NOT NULL
) {clustered};

CREATE TABLE queue_recipient (
    queue {id} NOT NULL,
    n BIGINT NOT NULL,
    state BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt BIGINT NOT NULL,
    last_attempt BIGINT,
    warnings BIGINT NOT NULL,
    -- Address, ORCPT and NOTIFY, in postcard form, sealed.
    envelope {blob} NOT NULL,
    last_error {blob},
    PRIMARY KEY (queue, n)
) {clustered};
CREATE INDEX queue_due ON queue_recipient (state, next_attempt, queue);
