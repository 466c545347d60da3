//! The heap of the process.

/// Has all threads allocate from one heap. glibc gives each thread one of its own, which grows by a page and a system call
/// at a time; here one thread works while the others wait for it.
pub fn share() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(unsafe_code, reason = "only C sets what its allocator does")]
        // SAFETY: it takes two numbers and may be called at any time. A value that it does not take changes nothing.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}
