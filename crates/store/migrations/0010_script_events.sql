-- What happened to messages over IMAP and scripts have yet to look at (RFC 6785), by account in the order in which it happened.
-- due is in microseconds; data is in postcard form, sealed.
CREATE TABLE script_event (
    account {id} NOT NULL,
    n BIGINT NOT NULL,
    due BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (account, n)
) {clustered};
CREATE INDEX script_event_due ON script_event (due);
