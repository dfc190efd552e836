-- The time by which a message shall be delivered (RFC 2852), in microseconds since 1970, and what then: 1 return it, 2 tell of each
-- server that took it.
ALTER TABLE queue ADD COLUMN deliver_by BIGINT;
ALTER TABLE queue ADD COLUMN deliver_by_mode BIGINT NOT NULL DEFAULT 0;
