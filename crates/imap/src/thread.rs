//! THREAD: what it can be asked, and how threads are made (RFC 5256 §3, §4.4; `REFS` is REFERENCES without the merging by subject,
//! its threads in the order of their latest message).
//!
//! Nothing here recurses: a thread may be as long as its mailbox.

use crate::encode;
use crate::search::Key;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A THREAD command without its tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thread {
    /// How.
    pub algorithm: Algorithm,
    /// Which messages.
    pub key: Key,
}

/// How messages become threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    /// ORDEREDSUBJECT: by base subject.
    OrderedSubject,
    /// REFERENCES: by References, then by base subject.
    References,
    /// REFS: by References.
    Refs,
}

/// What threading looks at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Message {
    /// Message number or UID, as the answer names it.
    pub number: u32,
    /// Seconds since 1970 of its sent date.
    pub sent: i64,
    /// The base subject as it is compared; empty: none.
    pub subject: String,
    /// Its subject is one of a reply or a forwarded message.
    pub is_reply: bool,
    /// A hash of its Message-ID.
    pub id: Option<u64>,
    /// Hashes of the ids of the messages before it in its thread, oldest first.
    pub references: Vec<u64>,
}

/// Threads deeper than this are cut: what would lie deeper begins a thread of its own.
const MAX_DEPTH: usize = 1000;

/// Threads.
#[derive(Debug)]
pub struct Forest {
    messages: Vec<Message>,
    nodes: Vec<Node>,
    roots: Vec<usize>,
}

/// A message, or an empty place that holds its children together.
#[derive(Debug, Default)]
struct Node {
    message: Option<usize>,
    parent: Option<usize>,
    children: Vec<usize>,
}

impl Forest {
    /// Threads of these messages, which are in the order of the mailbox.
    pub fn grow(algorithm: Algorithm, messages: Vec<Message>) -> Forest {
        match algorithm {
            Algorithm::OrderedSubject => ordered_subject(messages),
            Algorithm::References => {
                let mut forest = referenced(messages);
                forest.merge_by_subject();
                forest.sort_all();
                forest
            }
            Algorithm::Refs => {
                let mut forest = referenced(messages);
                forest.sort_all();
                forest.sort_by_latest();
                forest
            }
        }
    }

    /// The threads, to be written one by one.
    pub fn threads(&self) -> impl Iterator<Item = usize> + '_ {
        self.roots.iter().copied()
    }

    /// Appends a thread: `(3 6 (4 23)(44 7 96))`.
    pub fn write(&self, thread: usize, out: &mut Vec<u8>) {
        let mut open = vec![Action::Thread(thread)];
        while let Some(action) = open.pop() {
            match action {
                Action::Close => out.push(b')'),
                Action::Thread(node) => {
                    out.push(b'(');
                    open.push(Action::Close);
                    self.write_run(node, out, &mut open);
                }
            }
        }
    }

    /// Messages that follow each other, up to where the thread divides.
    fn write_run(&self, mut node: usize, out: &mut Vec<u8>, open: &mut Vec<Action>) {
        loop {
            let Node {
                message, children, ..
            } = &self.nodes[node];
            if let Some(message) = message {
                encode::number(out, u64::from(self.messages[*message].number));
                if !children.is_empty() {
                    out.push(b' ');
                }
            }
            match children.as_slice() {
                [only] => node = *only,
                several => {
                    open.extend(several.iter().rev().map(|child| Action::Thread(*child)));
                    return;
                }
            }
        }
    }

    /// By what a node is sorted; an empty place stands where its first child does.
    fn order(&self, mut node: usize) -> (i64, usize) {
        loop {
            match (self.nodes[node].message, self.nodes[node].children.first()) {
                (Some(message), _) => return (self.messages[message].sent, message),
                (None, Some(first)) => node = *first,
                (None, None) => return (i64::MAX, usize::MAX),
            }
        }
    }

    fn sort_children(&mut self, node: usize) {
        let mut children = std::mem::take(&mut self.nodes[node].children);
        children.sort_by_cached_key(|child| self.order(*child));
        self.nodes[node].children = children;
    }

    /// RFC 5256 step 6: siblings by sent date, the innermost first.
    fn sort_all(&mut self) {
        for node in self.leaves_first() {
            if self.nodes[node].children.len() > 1 {
                self.sort_children(node);
            }
        }
        let mut roots = std::mem::take(&mut self.roots);
        roots.sort_by_cached_key(|root| self.order(*root));
        self.roots = roots;
    }

    /// REFS: the thread with the newest message comes last.
    fn sort_by_latest(&mut self) {
        let mut latest: Vec<(i64, usize)> = self.nodes.iter().map(|_| (i64::MIN, 0)).collect();
        for node in self.leaves_first() {
            let own = self.nodes[node].message;
            let own = own.map_or((i64::MIN, 0), |message| {
                (self.messages[message].sent, message)
            });
            let of_children = self.nodes[node].children.iter().map(|child| latest[*child]);
            latest[node] = of_children.chain([own]).max().unwrap_or(own);
        }
        self.roots.sort_by_key(|root| latest[*root]);
    }

    /// All nodes, children before their parents.
    fn leaves_first(&self) -> Vec<usize> {
        let mut all = Vec::with_capacity(self.nodes.len());
        let mut open = self.roots.clone();
        while let Some(node) = open.pop() {
            all.push(node);
            open.extend(&self.nodes[node].children);
        }
        all.reverse();
        all
    }

    fn add_node(&mut self, message: Option<usize>) -> usize {
        self.nodes.push(Node {
            message,
            ..Node::default()
        });
        self.nodes.len() - 1
    }

    fn is_ancestor(&self, node: usize, of: usize) -> bool {
        let mut at = Some(of);
        for _ in 0..MAX_DEPTH {
            match at {
                None => return false,
                Some(here) if here == node => return true,
                Some(here) => at = self.nodes[here].parent,
            }
        }
        true
    }

    /// RFC 5256 step 5.
    fn merge_by_subject(&mut self) {
        let mut roots: Vec<Option<usize>> = self.roots.iter().copied().map(Some).collect();
        let table = self.subject_table();
        for at in 0..roots.len() {
            let Some(node) = roots[at] else { continue };
            let Some(&first) = table.get(self.subject_of(node)) else {
                continue;
            };
            let Some(keeper) = roots[first].filter(|_| first != at) else {
                continue;
            };
            roots[at] = None;
            roots[first] = Some(self.merge(keeper, node));
        }
        self.roots = roots.into_iter().flatten().collect();
    }

    /// For each subject the place of the thread that others are merged with.
    fn subject_table(&self) -> HashMap<String, usize> {
        let mut table: HashMap<String, usize> = HashMap::new();
        for (at, root) in self.roots.iter().enumerate() {
            let subject = self.subject_of(*root);
            if subject.is_empty() {
                continue;
            }
            match table.get_mut(subject) {
                None => {
                    table.insert(subject.to_owned(), at);
                }
                Some(known) if self.is_better(*root, self.roots[*known]) => *known = at,
                Some(_) => {}
            }
        }
        table
    }

    fn is_better(&self, root: usize, known: usize) -> bool {
        let is_empty = |node: usize| self.nodes[node].message.is_none();
        !is_empty(known) && (is_empty(root) || (self.is_reply(known) && !self.is_reply(root)))
    }

    /// Puts one thread into another of its subject; returns the root of both.
    fn merge(&mut self, keeper: usize, node: usize) -> usize {
        let is_empty = |forest: &Forest, node: usize| forest.nodes[node].message.is_none();
        match (is_empty(self, keeper), is_empty(self, node)) {
            (true, true) => {
                let children = std::mem::take(&mut self.nodes[node].children);
                self.nodes[keeper].children.extend(children);
                keeper
            }
            (true, false) => {
                self.nodes[keeper].children.push(node);
                keeper
            }
            (false, false) if self.is_reply(node) && !self.is_reply(keeper) => {
                self.nodes[keeper].children.push(node);
                keeper
            }
            _ => {
                let both = self.add_node(None);
                self.nodes[both].children = vec![keeper, node];
                both
            }
        }
    }

    fn message_of(&self, node: usize) -> Option<&Message> {
        let (_, message) = self.order(node);
        self.messages.get(message)
    }

    fn subject_of(&self, node: usize) -> &str {
        self.message_of(node)
            .map_or("", |message| message.subject.as_str())
    }

    fn is_reply(&self, node: usize) -> bool {
        self.message_of(node)
            .is_some_and(|message| message.is_reply)
    }
}

/// What is still to be written.
enum Action {
    Thread(usize),
    Close,
}

/// RFC 5256 §3 ORDEREDSUBJECT: the first message of a subject, and all others below it.
fn ordered_subject(messages: Vec<Message>) -> Forest {
    let mut order: Vec<usize> = (0..messages.len()).collect();
    order.sort_by_key(|at| (messages[*at].sent, *at));
    let mut forest = Forest {
        nodes: Vec::with_capacity(messages.len()),
        roots: Vec::new(),
        messages,
    };
    let mut threads: HashMap<String, usize> = HashMap::new();
    for message in order {
        let node = forest.add_node(Some(message));
        let subject = forest.messages[message].subject.clone();
        match threads.get(&subject) {
            Some(first) => forest.nodes[*first].children.push(node),
            None => {
                threads.insert(subject, node);
                forest.roots.push(node);
            }
        }
    }
    forest
}

/// RFC 5256 §3 REFERENCES, steps 1 to 4.
fn referenced(messages: Vec<Message>) -> Forest {
    let mut linking = Linking {
        by_id: HashMap::with_capacity_and_hasher(messages.len() * 2, BuildHasherDefault::default()),
        forest: Forest {
            nodes: Vec::with_capacity(messages.len() * 2),
            roots: Vec::new(),
            messages: Vec::new(),
        },
    };
    for (at, message) in messages.iter().enumerate() {
        linking.add(at, message);
    }
    let mut forest = linking.forest;
    forest.messages = messages;
    forest.take_up_children();
    forest.prune();
    forest
}

/// Ids are hashes already.
type Ids = HashMap<u64, usize, BuildHasherDefault<Unhashed>>;

/// Passes a number on as its own hash.
#[derive(Default)]
struct Unhashed(u64);

impl Hasher for Unhashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(*octet);
        }
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

struct Linking {
    forest: Forest,
    by_id: Ids,
}

impl Linking {
    /// Steps 1A to 1C for one message.
    fn add(&mut self, at: usize, message: &Message) {
        let mut last = None;
        for id in &message.references {
            let node = self.place(*id);
            if let Some(before) = last
                && self.forest.nodes[node].parent.is_none()
            {
                self.link(before, node);
            }
            last = Some(node);
        }
        let own = self.own_place(at, message.id);
        // What its own References say counts more than what others said of it.
        self.forest.nodes[own].parent = None;
        if let Some(parent) = last {
            self.link(parent, own);
        }
    }

    /// The place of an id.
    fn place(&mut self, id: u64) -> usize {
        match self.by_id.get(&id) {
            Some(node) => *node,
            None => {
                let node = self.forest.add_node(None);
                self.by_id.insert(id, node);
                node
            }
        }
    }

    /// The place of a message; of two with one id, the second gets a place that no reference finds.
    fn own_place(&mut self, at: usize, id: Option<u64>) -> usize {
        if let Some(id) = id {
            let node = self.place(id);
            if self.forest.nodes[node].message.is_none() {
                self.forest.nodes[node].message = Some(at);
                return node;
            }
        }
        self.forest.add_node(Some(at))
    }

    fn link(&mut self, parent: usize, child: usize) {
        if parent != child && !self.forest.is_ancestor(child, parent) {
            self.forest.nodes[child].parent = Some(parent);
        }
    }
}

impl Forest {
    /// Turns links to parents into lists of children; what has no parent is a root.
    fn take_up_children(&mut self) {
        for node in 0..self.nodes.len() {
            match self.nodes[node].parent {
                Some(parent) => self.nodes[parent].children.push(node),
                None => self.roots.push(node),
            }
        }
    }

    /// Step 3: empty places go, and their children move up; at the root one stays where it holds several together.
    fn prune(&mut self) {
        for node in self.leaves_first() {
            let children = std::mem::take(&mut self.nodes[node].children);
            self.nodes[node].children = self.without_empty(children);
        }
        let mut roots = Vec::with_capacity(self.roots.len());
        for root in std::mem::take(&mut self.roots) {
            match (
                &self.nodes[root].message,
                self.nodes[root].children.as_slice(),
            ) {
                (None, []) => {}
                (None, [only]) => roots.push(*only),
                _ => roots.push(root),
            }
        }
        self.roots = roots;
        // Step 4: an empty place is compared by its first child.
        for root in self.roots.clone() {
            self.sort_children(root);
        }
        let mut roots = std::mem::take(&mut self.roots);
        roots.sort_by_cached_key(|root| self.order(*root));
        self.roots = roots;
    }

    fn without_empty(&mut self, children: Vec<usize>) -> Vec<usize> {
        if children
            .iter()
            .all(|child| self.nodes[*child].message.is_some())
        {
            return children;
        }
        let mut kept = Vec::with_capacity(children.len());
        for child in children {
            match self.nodes[child].message {
                Some(_) => kept.push(child),
                // Its own empty children are gone already.
                None => kept.append(&mut self.nodes[child].children),
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A message whose id is its number, sent in the order of numbers.
    fn message(number: u32, subject: &str, references: &[u64]) -> Message {
        Message {
            number,
            sent: i64::from(number),
            subject: subject.trim_start_matches("Re: ").to_uppercase(),
            is_reply: subject.starts_with("Re: "),
            id: Some(u64::from(number)),
            references: references.to_vec(),
        }
    }

    fn threads(algorithm: Algorithm, messages: &[Message]) -> String {
        let forest = Forest::grow(algorithm, messages.to_vec());
        let mut out = Vec::new();
        for thread in forest.threads() {
            forest.write(thread, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    /// RFC 5256 §4.4: "(2)(3 6 (4 23)(44 7 96))"
    #[test]
    fn rfc5256_4_4_nested_threads() {
        let messages = [
            message(2, "a", &[]),
            message(3, "b", &[]),
            message(4, "b", &[3, 6]),
            message(6, "b", &[3]),
            message(7, "b", &[3, 6, 44]),
            message(23, "b", &[4]),
            message(44, "b", &[3, 6]),
            message(96, "b", &[7]),
        ];
        let expected = "(2)(3 6 (4 23)(44 7 96))";
        assert_eq!(threads(Algorithm::References, &messages), expected);
    }

    #[test]
    fn a_missing_parent_holds_its_children_together_at_the_root_only() {
        let messages = [
            message(3, "a", &[100]),
            message(4, "b", &[100]),
            message(5, "c", &[3, 101]),
        ];
        assert_eq!(threads(Algorithm::References, &messages), "((3 5)(4))");
        // One child needs no empty place.
        let messages = [message(3, "a", &[100])];
        assert_eq!(threads(Algorithm::References, &messages), "(3)");
    }

    #[test]
    fn threads_of_one_subject_are_merged_by_references_alone() {
        let messages = [
            message(1, "Re: x", &[]),
            message(2, "x", &[]),
            message(3, "Re: x", &[]),
            message(4, "y", &[]),
        ];
        assert_eq!(threads(Algorithm::References, &messages), "(2 (1)(3))(4)");
        assert_eq!(threads(Algorithm::Refs, &messages), "(1)(2)(3)(4)");
        let neither = [message(1, "x", &[]), message(2, "x", &[])];
        assert_eq!(threads(Algorithm::References, &neither), "((1)(2))");
    }

    #[test]
    fn refs_puts_the_thread_with_the_newest_message_last() {
        let messages = [
            message(1, "a", &[]),
            message(2, "b", &[]),
            message(3, "c", &[1]),
        ];
        assert_eq!(threads(Algorithm::Refs, &messages), "(2)(1 3)");
        assert_eq!(threads(Algorithm::References, &messages), "(1 3)(2)");
    }

    #[test]
    fn rfc5256_ordered_subject() {
        let messages = [
            message(1, "x", &[]),
            message(2, "y", &[]),
            message(3, "Re: x", &[]),
            message(4, "Re: x", &[]),
        ];
        assert_eq!(
            threads(Algorithm::OrderedSubject, &messages),
            "(1 (3)(4))(2)"
        );
    }

    #[test]
    fn loops_and_repeated_ids_are_harmless() {
        let mut twice = message(3, "c", &[1]);
        twice.id = Some(2);
        let messages = [message(1, "a", &[2]), message(2, "b", &[1, 2]), twice];
        assert_eq!(threads(Algorithm::References, &messages), "(2 1 3)");
    }

    /// A thread of 100,000 messages, each the answer to the one before.
    #[test]
    fn a_long_thread_takes_neither_stack_nor_time() {
        let messages: Vec<Message> = (1..=100_000)
            .map(|n| message(n, "x", &[u64::from(n) - 1]))
            .collect();
        let text = threads(Algorithm::Refs, &messages);
        assert_eq!(
            text.matches(' ').count() + text.matches(")(").count(),
            99_999
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// Whatever refers to whatever: every message is in the answer once.
        #[test]
        fn every_message_is_in_one_thread(links in proptest::collection::vec((proptest::collection::vec(0u64..15, 0..4), 0u8..4, 0u64..15), 0..15)) {
            let messages: Vec<Message> = links.iter().zip(1..).map(|((references, subject, id), number)| Message {
                id: Some(*id),
                ..message(number, ["", "x", "Re: x", "y"][usize::from(*subject)], references)
            }).collect();
            for algorithm in [Algorithm::OrderedSubject, Algorithm::References, Algorithm::Refs] {
                let text = threads(algorithm, &messages);
                let mut numbers: Vec<u32> = text.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
                numbers.sort_unstable();
                prop_assert_eq!(numbers, (1..=messages.len() as u32).collect::<Vec<_>>(), "{}", text);
            }
        }
    }
}
