-- What SCRAM-SHA-1 needs of a password, where a setting asks for it; in the form of account.scram.
ALTER TABLE account ADD COLUMN scram_sha1 {text};
