//! The table: the names of its rows, and the rows in 2 bits a number.

/// The bytes before the scales.
const HEADER: usize = 20;
/// The scales that a row can have.
const SCALES: usize = 256;

/// Rows of numbers with their names.
pub(crate) struct Table<'a> {
    dimension: usize,
    bits: u32,
    hashed_length: f32,
    scales: Vec<f32>,
    /// The number of the scale of each row.
    scale_of: &'a [u8],
    codes: &'a [u8],
    names: &'a str,
    /// Where each name begins, and the end.
    starts: Vec<u32>,
}

impl<'a> Table<'a> {
    /// Reads a table whose rows have these names, one a line, sorted. Nothing if the two do not fit together or the bytes are
    /// of another format.
    pub(crate) fn read(bytes: &'a [u8], names: &'a str) -> Option<Self> {
        let known = bytes.get(..4)? == b"KOIE" && u16_at(bytes, 4)? == 1 && bytes.get(15)? == &1;
        let rows = u32_at(bytes, 8)? as usize;
        let dimension = usize::from(u16_at(bytes, 12)?);
        let bits = u32::from(*bytes.get(14)?);
        let starts = starts(names);
        if !known
            || usize::from(u16_at(bytes, 6)?) != HEADER
            || !matches!(bits, 1 | 2 | 4 | 8)
            || starts.len() != rows + 1
        {
            return None;
        }
        let hashed_length = f32::from_le_bytes(*bytes.get(16..)?.first_chunk()?);
        let (scales, rest) = bytes.get(HEADER..)?.split_at_checked(SCALES * 4)?;
        let (scale_of, codes) = rest.split_at_checked(rows)?;
        let scales = scales
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        let is_whole = codes.len() * 8 == rows * dimension * bits as usize;
        is_whole.then(|| Self {
            dimension,
            bits,
            hashed_length,
            scales: scales.collect(),
            scale_of,
            codes,
            names,
            starts,
        })
    }

    /// The numbers of a row.
    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// The length of what stands for a word without a row.
    pub(crate) fn hashed_length(&self) -> f32 {
        self.hashed_length
    }

    /// The name of a row.
    pub(crate) fn name(&self, row: usize) -> &'a str {
        let (begin, end) = (self.starts[row] as usize, self.starts[row + 1] as usize);
        self.names[begin..end].trim_end_matches('\n')
    }

    /// The row of this name.
    pub(crate) fn row(&self, name: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.starts.len() - 1);
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.name(middle).as_bytes().cmp(name) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Adds a row to a sum.
    pub(crate) fn add(&self, row: usize, sum: &mut [f32]) {
        let scale = self.scales[usize::from(self.scale_of[row])];
        let length = self.dimension * self.bits as usize / 8;
        let codes = &self.codes[row * length..][..length];
        let in_a_byte = (8 / self.bits) as usize;
        let most = (1u32 << self.bits) - 1;
        for (column, one) in sum.iter_mut().enumerate() {
            let byte = u32::from(codes[column / in_a_byte]);
            let code = byte >> ((column % in_a_byte) as u32 * self.bits) & most;
            *one += scale * (2.0 * code as f32 - most as f32);
        }
    }
}

/// Where each line begins, and the end of the last.
fn starts(names: &str) -> Vec<u32> {
    let ends = names.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(ends.map(|(at, _)| at as u32 + 1)).collect()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_cut_or_has_other_names_is_refused() {
        let (bytes, names) = (crate::TABLE, crate::VOCABULARY.as_str());
        assert!(Table::read(bytes, names).is_some());
        for cut in [0, 3, 15, HEADER, HEADER + 100, bytes.len() - 1] {
            assert!(Table::read(&bytes[..cut], names).is_none(), "{cut}");
        }
        assert!(Table::read(bytes, &names[..names.len() - 1]).is_none());
        for (at, byte) in [(0, b'X'), (4, 2), (6, 21), (14, 3), (15, 0)] {
            let mut other = bytes.to_vec();
            other[at] = byte;
            assert!(Table::read(&other, names).is_none(), "{at}");
        }
    }

    #[test]
    fn each_name_has_its_row_and_others_have_none() {
        let table = Table::read(crate::TABLE, &crate::VOCABULARY).unwrap();
        for row in 0..table.starts.len() - 1 {
            assert_eq!(table.row(table.name(row).as_bytes()), Some(row));
        }
        for name in ["", "\n", "\u{7f}", "thisisnoword"] {
            assert_eq!(table.row(name.as_bytes()), None, "{name:?}");
        }
    }
}
