-- A number made of the Message-ID, by which a message is found: 0 if it has none, nothing while an older message has not been looked at.
ALTER TABLE content ADD COLUMN message_id BIGINT;
CREATE INDEX content_message_id ON content (account, message_id);
