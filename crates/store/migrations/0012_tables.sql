-- Tables of the admin's own (passwd, virtuals, domains): what their lines said when they were last taken in.

CREATE TABLE table_line (
    name {text} NOT NULL,
    key {text} NOT NULL,
    digest {blob} NOT NULL,
    PRIMARY KEY (name, key)
) {clustered};
