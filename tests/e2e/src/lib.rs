//! OpenKoi from outside: one module for each behaviour, in `tests/`.
