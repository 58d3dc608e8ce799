//! How many files and connections this process may have open.

/// Raises the limit on open files as far as this process may by itself. A daemon is often started
/// with 1,024, which is less than it takes connections, and then it could not even reach its
/// carrier.
pub fn raise_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current == maximum {
            return;
        }
        let raised = Rlimit { current: maximum, maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit on open files stays as it is");
        }
    }
}

/// What the system permits; `None` if it sets no bound or does not tell.
pub(crate) fn permitted() -> Option<usize> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit};
        usize::try_from(getrlimit(Resource::Nofile).current?).ok()
    }
    #[cfg(not(unix))]
    None
}
