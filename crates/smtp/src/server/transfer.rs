//! The octets of a message, after DATA or in chunks. Where they end is known to [`crate::data`].

use super::state::{Chunk, Envelope, Question, State};
use super::{Event, Next, Session};
use crate::Reply;
use crate::data::{ChunkDecoder, DotDecoder, Piece};

impl Session {
    pub(super) fn content<'a>(
        &mut self,
        envelope: Envelope,
        mut decoder: DotDecoder,
        input: &mut &'a [u8],
    ) -> Next<'a> {
        match decoder.next(input) {
            Piece::Content(octets) => {
                let state = State::Content(envelope, decoder);
                (state, Some(Event::Content(octets)))
            }
            Piece::More => (State::Content(envelope, decoder), Some(Event::NeedInput)),
            Piece::End => (State::Complete(envelope, decoder.fault()), None),
        }
    }

    pub(super) fn chunk<'a>(
        &mut self,
        envelope: Envelope,
        mut decoder: ChunkDecoder,
        chunk: Chunk,
        input: &mut &'a [u8],
    ) -> Next<'a> {
        match decoder.next(input) {
            Piece::Content(octets) => {
                let state = State::Chunk(envelope, decoder, chunk);
                (state, Some(Event::Content(octets)))
            }
            Piece::More => {
                let state = State::Chunk(envelope, decoder, chunk);
                (state, Some(Event::NeedInput))
            }
            Piece::End if chunk == Chunk::Inner => {
                let question = Question::Chunk(envelope, decoder);
                (State::Asked(question), Some(Event::EndOfChunk))
            }
            Piece::End => {
                let line_end = decoder.finish();
                let event = (!line_end.is_empty()).then_some(Event::Content(line_end));
                (State::Complete(envelope, decoder.fault()), event)
            }
        }
    }

    /// Throws octets away.
    pub(super) fn unwanted<'a>(
        &mut self,
        left: u64,
        reply: Reply,
        then: Box<State>,
        input: &mut &'a [u8],
    ) -> Next<'a> {
        let used = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        *input = &input[used..];
        let left = left - used as u64;
        if left > 0 {
            let state = State::Unwanted(left, reply, then);
            return (state, Some(Event::NeedInput));
        }
        self.say(&reply);
        (*then, None)
    }
}
