//! Tests that cannot run here say so where it is seen, and are counted.

use std::{
    fs::OpenOptions,
    io::{self, Write},
};

use crate::binary;

/// The variable that turns every skip into a failure, for machines on which all tests have to run.
pub const VARIABLE: &str = "OPENKOI_E2E_NO_SKIPS";

/// The file, in the target directory, to which each skip adds a line.
pub const FILE: &str = "e2e-skipped.txt";

/// Notes that `test` does not run because of `reason`. The caller returns afterwards.
///
/// # Panics
///
/// Where skipping is not allowed.
pub fn skip(test: &str, reason: &str) {
    assert!(std::env::var_os(VARIABLE).is_none(), "{test} may not be skipped here: {reason}");
    let line = format!("skipped {test}: {reason}\n");
    // Written past the capture of the test harness, which would show it for failed tests only.
    io::stderr().write_all(line.as_bytes()).expect("standard error is open");
    let path = binary::target_directory().join(FILE);
    let mut file = OpenOptions::new().create(true).append(true).open(path);
    if let Ok(file) = &mut file {
        file.write_all(line.as_bytes()).expect("the skip is counted");
    }
}
