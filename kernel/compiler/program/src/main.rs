//! The program; see the library of this package.

fn main() -> std::process::ExitCode {
    openkoi_compiler_program::main()
}
