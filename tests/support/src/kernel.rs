//! A kernel without some of its calls, as an old one or a strict container is.

use std::{collections::BTreeMap, thread};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// What becomes of a program that makes a call which is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is told that the kernel does not have the call.
    IsSaid,
    /// It is killed by [`SIGSYS`]: for calls that must not even be tried.
    Kills,
}

/// The exit code of a program that was killed for a call, as a shell has it.
pub const SIGSYS: i32 = 128 + 31;

/// Runs `body`, and every program that it starts, on a kernel without `calls`.
///
/// # Panics
///
/// When the kernel does not filter calls, or `body` panics.
pub fn without<T: Send>(calls: &[i64], missing: Missing, body: impl FnOnce() -> T + Send) -> T {
    let program = filter(calls, missing);
    thread::scope(|scope| {
        let confined = scope.spawn(move || {
            seccompiler::apply_filter(&program).expect("the kernel filters calls");
            body()
        });
        confined.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn filter(calls: &[i64], missing: Missing) -> BpfProgram {
    let architecture = std::env::consts::ARCH.try_into().expect("the architecture is known");
    let calls: BTreeMap<i64, _> = calls.iter().map(|call| (*call, Vec::new())).collect();
    let action = match missing {
        Missing::IsSaid => SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
        Missing::Kills => SeccompAction::KillProcess,
    };
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, action, architecture);
    filter.expect("the filter is well formed").try_into().expect("the filter can be compiled")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Invocation;
    use std::path::Path;

    fn runs(script: &str) -> i32 {
        let path = ("PATH".into(), "/usr/bin:/bin".into());
        let sh = Invocation::new(Path::new("/bin/sh"), Path::new("/"), vec![path]);
        sh.args(["-c", script]).run().code
    }

    #[test]
    fn a_missing_system_call_is_missing_for_the_started_program_only() {
        let gone = [libc::SYS_mkdirat, libc::SYS_mkdir];
        let directory = tempfile::tempdir().unwrap();
        let make = format!("exec mkdir {}/made", directory.path().display());

        assert_eq!(without(&gone, Missing::Kills, || runs(&make)), SIGSYS);
        assert_eq!(without(&gone, Missing::IsSaid, || runs(&make)), 1);
        assert_eq!(runs(&make), 0);
    }
}
