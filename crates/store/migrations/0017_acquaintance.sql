-- Who has written to an account, or to this server (account: 16 zero octets), and to whom the account has written. who is a hash of the
-- name, by kind: 0 a proved address, 1 a proved domain, 2 a network, 3 an address that was written to, 4 the Message-ID of mail that was
-- sent. Times are seconds since 1970. wanted and unwanted: messages that were filed as such; ham and spam: what people called them.
CREATE TABLE acquaintance (
    account {id} NOT NULL,
    kind BIGINT NOT NULL,
    who {blob} NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    wanted BIGINT NOT NULL,
    unwanted BIGINT NOT NULL,
    ham BIGINT NOT NULL,
    spam BIGINT NOT NULL,
    PRIMARY KEY (account, kind, who)
) {clustered};
CREATE INDEX acquaintance_last ON acquaintance (last);
