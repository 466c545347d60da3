//! The memory of the process.

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

/// Gives back what a process that rests does not need: free memory of its heap, and the pages of code and constants that are mapped.
/// Those stay in the system's cache of files, and are mapped again where they are touched.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
    {
        #[expect(
            unsafe_code,
            reason = "only C tells of its allocator, and where the parts of a program lie"
        )]
        // SAFETY: both may be called at any time. The callback keeps to what the second one promises of its arguments.
        unsafe {
            libc::malloc_trim(0);
            libc::dl_iterate_phdr(Some(unmap), std::ptr::null_mut());
        }
    }
}

/// Lets the system take the pages of an object's segments that nobody can write to: each is as it is in its file.
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
#[expect(unsafe_code, reason = "the segments are told in the form of C")]
unsafe extern "C" fn unmap(
    object: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    _data: *mut libc::c_void,
) -> libc::c_int {
    const PAGE: u64 = 4096;
    // SAFETY: the caller hands over one object with so many headers, which stay as they are during the call.
    let (base, headers) = unsafe {
        let object = &*object;
        (object.dlpi_addr, std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()))
    };
    let is_constant = |header: &&libc::Elf64_Phdr| {
        header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0
    };
    for header in headers.iter().filter(is_constant) {
        let begin = (base + header.p_vaddr) / PAGE * PAGE;
        let length = base + header.p_vaddr + header.p_memsz - begin;
        // SAFETY: the pages are a private mapping of a file to which nothing was ever written, so what is dropped is read again
        // from there. The parts that the loader wrote to are in segments that can be written to.
        unsafe {
            libc::madvise(begin as *mut libc::c_void, length as usize, libc::MADV_DONTNEED);
        }
    }
    0
}

#[cfg(all(test, target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
#[expect(clippy::unwrap_used, reason = "what the system tells is there, or the test fails")]
mod tests {
    use super::*;

    /// Returns the kilobytes of files that are mapped.
    fn of_files() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssFile:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn what_is_given_back_is_mapped_again_where_it_is_touched() {
        let before = of_files();
        give_back();
        let after = of_files();
        assert!(after < before, "{after} of {before}");
        assert_eq!(format!("{:.3}", 2.0_f64.sqrt()), "1.414");
    }
}
