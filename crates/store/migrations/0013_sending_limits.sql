-- What accounts send, and to whom they have sent before.

-- held: 1 if mail of the account waits for an administrator. data: counts of the last day and of the days before, limits of its own, and
-- why it is held; in postcard form, sealed.
CREATE TABLE sending (
    account {id} PRIMARY KEY,
    held BIGINT NOT NULL,
    data {blob} NOT NULL
) {clustered};

-- who: a hash of the recipient's address. last: seconds since 1970.
CREATE TABLE correspondent (
    account {id} NOT NULL,
    who {blob} NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (account, who)
) {clustered};
CREATE INDEX correspondent_last ON correspondent (last);

-- The hosts that a recipient's mail goes by, if an operator said so: URLs as in a route.
ALTER TABLE queue_recipient ADD COLUMN via {text};

-- Whether only servers that protect the message may get it (RFC 8689).
ALTER TABLE queue ADD COLUMN require_tls BIGINT NOT NULL DEFAULT 0;

-- What providers have had from our addresses (V9). day: days since 1970; source: an address, or nothing if the system chooses.
CREATE TABLE ramp (
    provider {text} NOT NULL,
    source {text} NOT NULL,
    level BIGINT NOT NULL,
    day BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    PRIMARY KEY (provider, source)
) {clustered};
