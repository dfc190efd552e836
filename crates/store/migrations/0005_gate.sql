-- What is known of senders before their mail is read: who is white, who was asked to come again, who wrote to a trap, who is banned.
-- `who` is what a sender is met again by (ip:…, net:…, dom:…); `address` where it was seen last. Times are seconds since 1970.

CREATE TABLE white (
    who {text} PRIMARY KEY,
    address {text} NOT NULL,
    first BIGINT NOT NULL,
    pass BIGINT NOT NULL,
    expire BIGINT NOT NULL,
    blocked BIGINT NOT NULL,
    passed BIGINT NOT NULL
) {clustered};
CREATE INDEX white_expire ON white (expire);

CREATE TABLE grey (
    who {text} NOT NULL,
    helo {text} NOT NULL,
    sender {text} NOT NULL,
    recipient {text} NOT NULL,
    address {text} NOT NULL,
    first BIGINT NOT NULL,
    pass BIGINT NOT NULL,
    expire BIGINT NOT NULL,
    blocked BIGINT NOT NULL,
    passed BIGINT NOT NULL,
    PRIMARY KEY (who, helo, sender, recipient)
) {clustered};
CREATE INDEX grey_expire ON grey (expire);

CREATE TABLE trapped (
    who {text} PRIMARY KEY,
    trap {text} NOT NULL,
    expire BIGINT NOT NULL
) {clustered};

CREATE TABLE trap (
    address {text} PRIMARY KEY,
    created BIGINT NOT NULL
) {clustered};

-- Networks that no session is begun with. expire 0: until it is lifted.
CREATE TABLE ban (
    network {text} PRIMARY KEY,
    reason {text} NOT NULL,
    created BIGINT NOT NULL,
    expire BIGINT NOT NULL
) {clustered};
