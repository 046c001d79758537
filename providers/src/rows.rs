//! Rows already written as a provider writes them, with the offset of each.
//!
//! Where a provider writes whole rows there is one run of them; where it writes columns, a run of values per column.

use bytes::{Bytes, BytesMut};
use std::ops::Range;

/// In which order rows stand in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// Encoded rows in one buffer, separated by one byte (a comma, or the end of a line). They are counted from the oldest,
/// in whichever order they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    text: Bytes,
    /// Where each row of the text ends, its separator not counted.
    ends: Vec<u32>,
    order: Order,
}

impl Rows {
    pub fn builder(capacity: usize) -> Builder {
        Builder { text: BytesMut::with_capacity(capacity), ends: Vec::new() }
    }

    /// Rows of about `row_bytes` each, written by `write` in an order.
    pub fn each(
        rows: usize,
        row_bytes: u64,
        order: Order,
        separator: u8,
        mut write: impl FnMut(&mut BytesMut, usize),
    ) -> Rows {
        let mut builder = Rows::builder(rows * row_bytes as usize);
        for at in 0..rows {
            write(builder.text(), if order == Order::NewestFirst { rows - 1 - at } else { at });
            builder.end_row(separator);
        }
        Rows { order, ..builder.finish() }
    }

    pub fn order(&self) -> Order {
        self.order
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn text(&self) -> &Bytes {
        &self.text
    }

    /// Bytes of memory held.
    pub fn weight(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }

    /// One row; nothing beyond the last.
    pub fn row(&self, row: usize) -> &[u8] {
        let Some(row) = self.standing(row..row + 1).map(|rows| rows.start) else { return &[] };
        let Some(end) = self.ends.get(row) else { return &[] };
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize + 1 };
        &self.text[start..*end as usize]
    }

    /// Rows `from..to` with the separators between them, sharing the buffer.
    pub fn slice(&self, from: usize, to: usize) -> Bytes {
        let Some(Range { start: from, end: to }) = self.standing(from..to.min(self.ends.len())) else {
            return Bytes::new();
        };
        let start = if from == 0 { 0 } else { self.ends[from - 1] as usize + 1 };
        self.text.slice(start..self.ends[to - 1] as usize)
    }

    /// Where in the text rows counted from the oldest stand.
    fn standing(&self, rows: Range<usize>) -> Option<Range<usize>> {
        let len = self.ends.len();
        let inside = rows.start < rows.end && rows.end <= len;
        inside.then(|| match self.order {
            Order::OldestFirst => rows,
            Order::NewestFirst => len - rows.end..len - rows.start,
        })
    }
}

/// The encoded rows of a fragment: one run of whole rows, or a run per column. All runs have as many rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs(Vec<Rows>);

impl Runs {
    pub fn new(runs: Vec<Rows>) -> Runs {
        debug_assert!(runs.windows(2).all(|pair| pair[0].len() == pair[1].len()));
        Runs(runs)
    }

    /// Rows of the fragment.
    pub fn len(&self) -> usize {
        self.0.first().map_or(0, Rows::len)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rows> {
        self.0.iter()
    }

    pub fn get(&self, run: usize) -> Option<&Rows> {
        self.0.get(run)
    }

    /// Rows `from..to` of a run; nothing of a run that is not there.
    pub fn slice(&self, run: usize, from: usize, to: usize) -> Bytes {
        self.get(run).map_or(Bytes::new(), |rows| rows.slice(from, to))
    }

    pub fn order(&self) -> Order {
        self.0.first().map(Rows::order).unwrap_or_default()
    }

    /// Bytes of memory held.
    pub fn weight(&self) -> usize {
        self.0.iter().map(Rows::weight).sum()
    }
}

impl From<Rows> for Runs {
    fn from(rows: Rows) -> Runs {
        Runs(vec![rows])
    }
}

/// Writes rows one after the other.
pub struct Builder {
    text: BytesMut,
    ends: Vec<u32>,
}

impl Builder {
    /// The buffer to which the next row is appended.
    pub fn text(&mut self) -> &mut BytesMut {
        &mut self.text
    }

    /// Ends the row that was appended.
    pub fn end_row(&mut self, separator: u8) {
        self.ends.push(self.text.len() as u32);
        self.text.extend_from_slice(&[separator]);
    }

    pub fn finish(self) -> Rows {
        Rows { text: self.text.freeze(), ends: self.ends, order: Order::OldestFirst }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_carry_the_separators_between_rows_only() {
        let mut builder = Rows::builder(16);
        for row in ["a", "bb", "ccc"] {
            builder.text().extend_from_slice(row.as_bytes());
            builder.end_row(b',');
        }
        let rows = builder.finish();
        let slice = |from, to| String::from_utf8_lossy(&rows.slice(from, to)).into_owned();
        assert_eq!(
            [slice(0, 3), slice(1, 3), slice(1, 2), slice(2, 9), slice(2, 2)],
            ["a,bb,ccc", "bb,ccc", "bb", "ccc", ""]
        );
    }

    #[test]
    fn rows_are_counted_from_the_oldest_in_either_order() {
        let names = ["a", "bb", "ccc"];
        let write = |text: &mut BytesMut, row: usize| text.extend_from_slice(names[row].as_bytes());
        let rows = Rows::each(3, 2, Order::NewestFirst, b',', write);
        let slice = |from, to| String::from_utf8_lossy(&rows.slice(from, to)).into_owned();
        assert_eq!(
            [slice(0, 3), slice(1, 3), slice(1, 2), slice(2, 9), slice(2, 2)],
            ["ccc,bb,a", "ccc,bb", "bb", "ccc", ""]
        );
        assert_eq!([rows.row(0), rows.row(2), rows.row(3)], [&b"a"[..], b"ccc", b""]);
    }
}
