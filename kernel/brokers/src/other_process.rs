//! Another process of ours, which is asked to end its work.

use std::io;

use rustix::process::Pid;

/// A process. On Linux it is held by a descriptor: whoever has its number later is not meant.
#[derive(Debug)]
pub struct OtherProcess {
    #[cfg(target_os = "linux")]
    descriptor: rustix::fd::OwnedFd,
    #[cfg(not(target_os = "linux"))]
    pid: Pid,
}

impl OtherProcess {
    /// Returns the process that has this number now. Its work has to be looked at after that, because only then it is
    /// known that the number was still its own.
    ///
    /// # Errors
    ///
    /// When there is none, or the system cannot give it.
    pub fn of(pid: u32) -> io::Result<Self> {
        let none = || io::Error::from(io::ErrorKind::NotFound);
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(none)?;
        #[cfg(target_os = "linux")]
        return Ok(Self {
            descriptor: rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?,
        });
        #[cfg(not(target_os = "linux"))]
        return Ok(Self { pid });
    }

    /// Asks it to end, as Ctrl-C does.
    ///
    /// # Errors
    ///
    /// When it has ended, or belongs to another user.
    pub fn interrupt(&self) -> io::Result<()> {
        let signal = rustix::process::Signal::INT;
        #[cfg(target_os = "linux")]
        rustix::process::pidfd_send_signal(&self.descriptor, signal)?;
        #[cfg(not(target_os = "linux"))]
        rustix::process::kill_process(self.pid, signal)?;
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        io::Read as _,
        os::unix::process::ExitStatusExt as _,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_process_is_interrupted_and_one_that_has_ended_is_none() {
        // Whoever runs the tests may ignore the signal, and a child would too.
        let mut child = Command::new("env")
            .args(["--default-signal=INT", "sh", "-c", "echo; exec sleep 60"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        let process = OtherProcess::of(child.id()).unwrap();

        process.interrupt().unwrap();

        assert_eq!(child.wait().unwrap().signal(), Some(2));
        assert!(process.interrupt().is_err());
        assert!(OtherProcess::of(0).is_err());
    }
}
