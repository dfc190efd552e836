-- What an account wishes of the filter besides what the settings say. data is in postcard form, sealed.
CREATE TABLE wish (
    account {id} PRIMARY KEY,
    data {blob} NOT NULL
) {clustered};
