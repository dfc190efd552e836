-- What was worked out of the messages of a mailbox, packed: one row for the UIDs from block * 256 on, as far as `through`. It can be made
-- again at any time; a row goes as soon as one of its messages goes. What is in it is for whoever asked for this kind; sealed.
CREATE TABLE digest (
    account {id} NOT NULL,
    mailbox {id} NOT NULL,
    block BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    through BIGINT NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (account, mailbox, block, kind)
) {clustered};
