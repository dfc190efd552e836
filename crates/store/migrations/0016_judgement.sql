-- What the filter found in a message, and what that came to; goes with the message. data is in postcard form, sealed.
CREATE TABLE judgement (
    account {id} NOT NULL,
    message {id} NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (account, message)
) {clustered};
