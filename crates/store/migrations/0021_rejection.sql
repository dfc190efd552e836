-- Messages that were refused, or put off, once they had arrived, for who asks with the code that the sender was told. id is that of the log;
-- refused is in seconds since 1970; data is in postcard form, sealed.
CREATE TABLE rejection (
    id BIGINT PRIMARY KEY,
    refused BIGINT NOT NULL,
    data {blob} NOT NULL
) {clustered};
CREATE INDEX rejection_refused ON rejection (refused);
