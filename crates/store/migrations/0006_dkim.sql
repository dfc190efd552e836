-- Keys that sign mail, by domain and selector. state: 0 waits until DNS shows it, 1 signs, 2 was replaced. Times are seconds since 1970.

CREATE TABLE dkim_key (
    domain {text} NOT NULL,
    selector {text} NOT NULL,
    algorithm BIGINT NOT NULL,
    state BIGINT NOT NULL,
    created BIGINT NOT NULL,
    -- When it came into its state.
    since BIGINT NOT NULL,
    -- While it waits: since when every look into DNS has shown it.
    seen BIGINT,
    -- The TXT record.
    record {text} NOT NULL,
    -- PKCS #8, sealed.
    private {blob} NOT NULL,
    PRIMARY KEY (domain, selector)
) {clustered};

-- Secrets of the server itself, the newest of a name is used and older ones are still believed.
CREATE TABLE secret (
    name {text} NOT NULL,
    created BIGINT NOT NULL,
    value {blob} NOT NULL,
    PRIMARY KEY (name, created)
) {clustered};
