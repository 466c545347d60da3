//! The numbers of lines that a change adds and removes.

use openkoi_text::lines;

/// Beyond this many changed lines the count is an upper bound instead of the smallest possible one.
const MAX_DISTANCE: usize = 1000;

/// Lines added and removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, openkoi_sdk::serde::Serialize)]
#[serde(crate = "openkoi_sdk::serde")]
pub(crate) struct Counts {
    /// Lines that are new.
    pub added: usize,
    /// Lines that are gone.
    pub removed: usize,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "+{} -{} lines", self.added, self.removed)
    }
}

/// Counts what leads from `old` to `new`.
pub(crate) fn counts(old: &str, new: &str) -> Counts {
    let old: Vec<&str> = lines::of(old).collect();
    let new: Vec<&str> = lines::of(new).collect();
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[start..], &new[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
    let distance = distance(old, new).unwrap_or(old.len() + new.len());
    // The distance is added + removed, the lengths differ by added - removed.
    let added = (distance + new.len() - old.len().min(distance + new.len())) / 2;
    Counts { added, removed: distance - added }
}

/// The greedy algorithm of Myers, without the path.
fn distance(old: &[&str], new: &[&str]) -> Option<usize> {
    let (rows, columns) = (old.len() as isize, new.len() as isize);
    let limit = (old.len() + new.len()).min(MAX_DISTANCE) as isize;
    let mut furthest = vec![0_isize; 2 * limit as usize + 3];
    let slot = |diagonal: isize| (diagonal + limit + 1) as usize;
    for step in 0..=limit {
        for diagonal in (-step..=step).step_by(2) {
            let down = diagonal == -step
                || (diagonal != step
                    && furthest[slot(diagonal - 1)] < furthest[slot(diagonal + 1)]);
            let mut row =
                if down { furthest[slot(diagonal + 1)] } else { furthest[slot(diagonal - 1)] + 1 };
            while row < rows
                && row - diagonal < columns
                && old[row as usize] == new[(row - diagonal) as usize]
            {
                row += 1;
            }
            furthest[slot(diagonal)] = row;
            if row >= rows && row - diagonal >= columns {
                return Some(step as usize);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(old: &str, new: &str) -> (usize, usize) {
        let counts = counts(&old.replace(' ', "\n"), &new.replace(' ', "\n"));
        (counts.added, counts.removed)
    }

    #[test]
    fn the_smallest_change_is_counted() {
        assert_eq!(changed("a b c", "a b c"), (0, 0));
        assert_eq!(changed("a b c", "a x c"), (1, 1));
        assert_eq!(changed("a b c d", "a d"), (0, 2));
        assert_eq!(changed("a c", "a b b c"), (2, 0));
        assert_eq!(changed("a b c a b b a", "c b a b a c"), (2, 3));
        assert_eq!(counts("", "x\ny\n"), Counts { added: 2, removed: 0 });
    }

    #[test]
    fn a_rewritten_file_is_counted_whole() {
        let old: String = (0..2000).map(|n| format!("old {n}\n")).collect();
        let new: String = (0..1500).map(|n| format!("new {n}\n")).collect();

        assert_eq!(counts(&old, &new), Counts { added: 1500, removed: 2000 });
    }
}
