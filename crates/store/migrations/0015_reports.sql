-- Reports about mail in a domain's name: what we tell others (RFC 9990), and what others tell us (RFC 9990, RFC 8460).

-- Mail that named a domain with a DMARC policy as its author's, by day (since 1970). policy and result are parts of a report, JSON; line is a
-- hash of both, since they are too long for a key.
CREATE TABLE dmarc_result (
    day BIGINT NOT NULL,
    domain {text} NOT NULL,
    line {blob} NOT NULL,
    policy {text} NOT NULL,
    result {text} NOT NULL,
    messages BIGINT NOT NULL,
    PRIMARY KEY (day, domain, line)
) {clustered};

-- Reports by others. id is made of kind, domain, reporter and the reporter's own id, so that one which comes twice is kept once. Times are
-- seconds since 1970; data is the report, JSON, compressed; size is its length before that.
CREATE TABLE report (
    id {text} PRIMARY KEY,
    kind BIGINT NOT NULL,
    domain {text} NOT NULL,
    reporter {text} NOT NULL,
    received BIGINT NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    size BIGINT NOT NULL,
    data {blob} NOT NULL
) {clustered};
CREATE INDEX report_received ON report (received);
