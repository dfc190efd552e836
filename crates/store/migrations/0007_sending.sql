-- What sending needs: attempts and lanes of queued mail, policies of other domains, and results of TLS for reports.

-- lane: a number made of the recipient's domain, so that mail for a domain is found although addresses are sealed; 0 for mail that was
-- queued before. stranded: 1 if its host could not be reached at the last try.
ALTER TABLE queue_recipient ADD COLUMN lane BIGINT NOT NULL DEFAULT 0;
ALTER TABLE queue_recipient ADD COLUMN stranded BIGINT NOT NULL DEFAULT 0;
CREATE INDEX queue_lane ON queue_recipient (stranded, lane, next_attempt);

-- The attempts of a recipient that is still queued; data is the attempt in postcard form, sealed.
CREATE TABLE queue_attempt (
    queue {id} NOT NULL,
    n BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    at BIGINT NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (queue, n, attempt)
) {clustered};

CREATE TABLE sts_policy (
    domain {text} PRIMARY KEY,
    id {text} NOT NULL,
    policy {text} NOT NULL,
    expires BIGINT NOT NULL
) {clustered};

-- Sessions with other servers by day (since 1970), domain, policy and failure, for TLSRPT (RFC 8460). failure is empty for successes.
CREATE TABLE tls_result (
    day BIGINT NOT NULL,
    domain {text} NOT NULL,
    policy {text} NOT NULL,
    failure {text} NOT NULL,
    sessions BIGINT NOT NULL,
    PRIMARY KEY (day, domain, policy, failure)
) {clustered};
