//! Tables in Markdown, and what stands in them.

/// The least and the median of many measurements of one thing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    /// What it takes when nothing disturbs it.
    pub least: f64,
    /// What it takes usually.
    pub median: f64,
}

impl Spread {
    /// Returns the spread of `values`.
    ///
    /// # Panics
    ///
    /// There are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let least = *values.first().expect("something was measured");
        Self { least, median: values[values.len() / 2] }
    }

    /// Returns both as two cells.
    pub(crate) fn cells(self, decimals: usize) -> [String; 2] {
        [self.least, self.median].map(|value| format!("{value:.decimals$}"))
    }
}

/// Prints a table. The first column is text, the others are numbers.
pub(crate) fn print<const N: usize>(title: &str, head: [&str; N], rows: &[[String; N]]) {
    let head = head.map(str::to_owned);
    let widths: [usize; N] = std::array::from_fn(|at| {
        rows.iter().chain([&head]).map(|row| row[at].chars().count()).max().unwrap_or_default()
    });
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(at, (cell, width))| match at {
            0 => format!("| {cell:<width$} "),
            _ => format!("| {cell:>width$} "),
        });
        println!("{}|", cells.collect::<String>());
    };
    println!("\n## {title}\n");
    line(&head);
    let rule = std::array::from_fn(|at| match at {
        0 => "-".repeat(widths[at]),
        _ => format!("{}:", "-".repeat(widths[at].saturating_sub(1))),
    });
    line(&rule);
    rows.iter().for_each(line);
}
