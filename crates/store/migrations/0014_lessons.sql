-- What the filter has learned: lessons, and models made of them.

-- A lesson is an increment: two stores that exchange theirs, and keep the newer of two about the same message, know the same.
-- An account of zeros is nobody's. digest names the message. class: 0 ham, 1 spam, 2 taken back. weight in hundredths of a message.
-- origin: see learn.rs. shared: 1 if all accounts learn of it, 2 once enough newer ones are shared. own: 1 while it is among the newest of
-- its account, 0 after that, 2 once its features are gone. replaces: the serial of the lesson about the same message before, or 0.
-- learned in microseconds. message is all zeros if it is in no mailbox. features is sealed.
CREATE TABLE lesson (
    account {id} NOT NULL,
    digest BIGINT NOT NULL,
    serial BIGINT NOT NULL,
    class BIGINT NOT NULL,
    weight BIGINT NOT NULL,
    origin BIGINT NOT NULL,
    shared BIGINT NOT NULL,
    own BIGINT NOT NULL,
    replaces BIGINT NOT NULL,
    learned BIGINT NOT NULL,
    message {id} NOT NULL,
    features {blob} NOT NULL,
    PRIMARY KEY (account, digest)
) {clustered};
CREATE UNIQUE INDEX lesson_serial ON lesson (serial);
CREATE INDEX lesson_account ON lesson (account, serial);
CREATE INDEX lesson_class ON lesson (class, serial);
CREATE INDEX lesson_own ON lesson (own, serial);

-- What was learned in all, in hundredths of messages, by account; zeros: of all lessons that are shared. serial, in that row alone: of the
-- newest lesson.
CREATE TABLE learned (
    account {id} PRIMARY KEY,
    serial BIGINT NOT NULL,
    ham BIGINT NOT NULL,
    spam BIGINT NOT NULL
) {clustered};

-- Models, derived from lessons up to a serial and never needed. data is compressed and sealed; part 0 is written last.
CREATE TABLE model (
    account {id} NOT NULL,
    serial BIGINT NOT NULL,
    part BIGINT NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (account, serial, part)
) {clustered};

-- Jobs that failed are tried again later: when (microseconds), and how often they failed.
ALTER TABLE learn_job ADD COLUMN due BIGINT NOT NULL DEFAULT 0;
ALTER TABLE learn_job ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
