-- Quotas: messages an account may hold, how full it was when its owner was last told, and the language he is told in.

ALTER TABLE account ADD COLUMN quota_messages BIGINT;
-- 0: nothing to tell; the per cent that he was warned of; 100: it takes no mail.
ALTER TABLE account ADD COLUMN quota_level BIGINT NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN language {text};
