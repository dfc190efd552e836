-- When an account stood at which MODSEQ (at: seconds since 1970), so that what is old in the change log can be told from what is new.

CREATE TABLE change_mark (
    account {id} NOT NULL,
    at BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    PRIMARY KEY (account, at)
) {clustered};
