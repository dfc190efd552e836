-- Bands of messages that people called wanted or not: messages with several bands in common are near copies of each other. digest names the
-- message, class is that of its lesson, learned is in seconds since 1970.
CREATE TABLE near_copy (
    band BIGINT NOT NULL,
    digest BIGINT NOT NULL,
    class BIGINT NOT NULL,
    learned BIGINT NOT NULL,
    PRIMARY KEY (band, digest)
) {clustered};
CREATE INDEX near_copy_digest ON near_copy (digest);
CREATE INDEX near_copy_learned ON near_copy (learned);
