//! Which thread a message is of, from what its header section refers to.

use crate::MessageId;
use message::Summary;

/// A Message-ID as a number, by which messages that refer to each other are found.
pub fn id_hash(id: &str) -> u64 {
    let mut first = [0; 8];
    let hash = blake3::hash(id.as_bytes());
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_be_bytes(first)
}

/// The thread: that of the message that began it, as References name it, or the message itself. It never changes, and finding it needs no
/// other message.
pub fn thread(message: MessageId, summary: &Summary) -> u64 {
    let root = summary.references.first().or(summary.message_id.as_ref());
    match root {
        Some(id) => id_hash(id),
        None => id_hash(&format!("{:032x}", message.as_u128())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_of_the_thread_of_what_it_answers() {
        let message = |id: &str, references: &[&str]| Summary {
            message_id: Some(id.into()),
            references: references.iter().map(|id| (*id).to_owned()).collect(),
            ..Summary::default()
        };
        let (one, two) = (MessageId::from_u128(1), MessageId::from_u128(2));
        let root = thread(one, &message("a@x", &[]));
        assert_eq!(thread(two, &message("c@x", &["a@x", "b@x"])), root);
        assert_ne!(thread(two, &message("d@x", &["b@x"])), root);
        let nameless = Summary::default();
        assert_ne!(thread(one, &nameless), thread(two, &nameless));
    }
}
