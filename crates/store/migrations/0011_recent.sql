-- What IMAP tells of a message beside its flags: the zone of its INTERNALDATE, and whether it is recent.

-- Minutes by which the zone of internal_date is ahead of UTC.
ALTER TABLE entry ADD COLUMN zone BIGINT NOT NULL DEFAULT 0;
ALTER TABLE removed ADD COLUMN zone BIGINT NOT NULL DEFAULT 0;

-- Messages from this UID on are recent: no session was told of them.
ALTER TABLE mailbox ADD COLUMN recent_from BIGINT NOT NULL DEFAULT 1;
UPDATE mailbox SET recent_from = uid_next;
