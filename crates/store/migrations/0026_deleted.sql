-- The messages marked with \Deleted: few of many, and EXPUNGE looks at these alone.
CREATE INDEX entry_deleted ON entry (mailbox, uid) WHERE (flags & 8) <> 0;
