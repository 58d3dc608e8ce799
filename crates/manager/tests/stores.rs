//! Both stores pass the same suite.

use std::sync::Arc;

use offhook_manager::CallStore;

mod memory {
    use super::{Arc, CallStore};
    use offhook_manager::MemoryStore;

    fn make() -> (Arc<dyn CallStore>, ()) {
        (Arc::new(MemoryStore::new()), ())
    }

    offhook_conformance::store_suite!(make);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::{Arc, CallStore};
    use offhook_manager::SqliteStore;
    use tempfile::TempDir;

    fn make() -> (Arc<dyn CallStore>, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("calls.db")).unwrap();
        (Arc::new(store), folder)
    }

    offhook_conformance::store_suite!(make);
}
