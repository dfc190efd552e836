-- What follows from refusals of other servers, so that a restart forgets none of it (U37, V8), and what accounts have submitted lately (V10).
-- Times are microseconds since 1970.

-- Providers that get no mail for a while, from these addresses of ours.
CREATE TABLE provider_pause (
    provider {text} NOT NULL,
    source {text} NOT NULL,
    until BIGINT NOT NULL,
    words {text} NOT NULL,
    PRIMARY KEY (provider, source)
) {clustered};

-- Refusals of a kind that are counted for a day. domains are separated by blanks; told: 1 if the administrator knows.
CREATE TABLE refusal_count (
    provider {text} NOT NULL,
    cause {text} NOT NULL,
    since BIGINT NOT NULL,
    refusals BIGINT NOT NULL,
    domains {text} NOT NULL,
    told BIGINT NOT NULL,
    PRIMARY KEY (provider, cause)
) {clustered};

-- data: sender, recipients, log-in and client, in postcard form, sealed.
CREATE TABLE submission (
    account {id} NOT NULL,
    at BIGINT NOT NULL,
    id {id} NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (account, at, id)
) {clustered};
CREATE INDEX submission_at ON submission (at);
