//! Which known name a mistyped one may have meant.

/// The known name that takes the fewest changes, if these are few.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    let allowed = if name.len() < 5 { 1 } else { 2 };
    let measured = known.iter().map(|other| (distance(&name, other), *other));
    measured
        .filter(|(changes, _)| *changes <= allowed)
        .min()
        .map(|(_, other)| other)
}

/// Characters to insert, remove, replace, or exchange with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_names() {
        assert_eq!(nearest("fileint", &["keep", "fileinto"]), Some("fileinto"));
        assert_eq!(nearest("flieinto", &["keep", "fileinto"]), Some("fileinto"));
        assert_eq!(nearest("KEPE", &["keep", "stop"]), Some("keep"));
        assert_eq!(nearest("frobnicate", &["keep", "fileinto"]), None);
    }
}
