-- Sieve scripts of accounts, and what they leave behind.

-- content is sealed. traits: 1 may refuse mail, 2 includes other scripts.
CREATE TABLE script (
    account {id} NOT NULL,
    name {text} NOT NULL,
    active BIGINT NOT NULL,
    size BIGINT NOT NULL,
    hash {blob} NOT NULL,
    traits BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    content {blob} NOT NULL,
    PRIMARY KEY (account, name)
) {clustered};

-- Whom vacation has answered, what duplicate has seen, of which failures the owner was told. key is a hash; expires is in seconds.
CREATE TABLE script_memory (
    account {id} NOT NULL,
    kind BIGINT NOT NULL,
    key {blob} NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (account, kind, key)
) {clustered};
CREATE INDEX script_memory_expires ON script_memory (expires);

-- What went wrong in scripts, newest last. happened is in microseconds; line is sealed.
CREATE TABLE script_log (
    account {id} NOT NULL,
    n BIGINT NOT NULL,
    happened BIGINT NOT NULL,
    line {blob} NOT NULL,
    PRIMARY KEY (account, n)
) {clustered};

-- Why a message is where it is, if that was decided by more than its address. data is in postcard form, sealed.
CREATE TABLE filing (
    account {id} NOT NULL,
    message {id} NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (account, message)
) {clustered};

-- Messages that the filter has to learn from; the newest judgement of each. class: 0 ham, 1 spam. origin: see learn.rs.
CREATE TABLE learn_job (
    account {id} NOT NULL,
    message {id} NOT NULL,
    class BIGINT NOT NULL,
    origin BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (account, message)
) {clustered};
