//! What a manager is made of, and its start.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use offhook_core::{ProviderName, VoiceProvider};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::{Inner, Manager};
use crate::clock::{Clock, SystemClock};
use crate::driver::{Counters, Driver};
use crate::policy::Policy;
use crate::store::{CallStore, StoreError};
use crate::task::{Shown, Task, Windows};
use crate::watchers::Watchers;

/// How many requests may wait for the task.
const QUEUE: usize = 4096;

/// What a manager is made of.
#[derive(Debug)]
pub struct ManagerBuilder {
    providers: HashMap<ProviderName, Arc<dyn VoiceProvider>>,
    store: Option<Arc<dyn CallStore>>,
    clock: Arc<dyn Clock>,
    policy: Policy,
}

impl ManagerBuilder {
    /// Adds a provider. Its policy stands in [`Policy::providers`].
    #[must_use]
    pub fn provider(mut self, provider: Arc<dyn VoiceProvider>) -> Self {
        self.providers.insert(provider.name(), provider);
        self
    }

    /// Where calls are kept; in memory if this is not said.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn CallStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// What tells the time; the system's clock if this is not said.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Starts the manager: it accepts requests at once, loads the calls that were live, and
    /// verifies them with their carriers in the background. Needs a tokio runtime.
    #[must_use]
    pub fn start(self) -> Manager {
        let (task, inner) = self.build();
        inner.with(task.spawn())
    }

    /// The same on a thread of its own, on which the store is written too: a commit waits for no
    /// other thread. What a program does that does little else. Requests to carriers run on the
    /// tokio runtime that this needs.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn start_on_thread(self) -> std::io::Result<Manager> {
        let (task, inner) = self.build();
        Ok(inner.with(task.spawn_thread()?))
    }

    fn build(self) -> (Task, Inner) {
        let store =
            self.store.unwrap_or_else(|| Arc::new(crate::store::MemoryStore::new()) as Arc<_>);
        let capabilities = self
            .providers
            .iter()
            .map(|(name, provider)| (name.clone(), provider.capabilities()))
            .collect();
        let (voice, locale) = (self.policy.voice.clone(), self.policy.locale.clone());
        let driver = Driver::new(self.policy, capabilities, self.clock.now());
        let (messages, receiver) = mpsc::channel(QUEUE);
        let (shown, shown_receiver) = watch::channel(Shown {
            ready: false,
            slots: 0,
            report: Arc::clone(driver.shared_report()),
            counters: Counters::default(),
        });
        let watchers = Arc::new(Watchers::default());
        let (commits, commits_receiver) = watch::channel(0);
        let task = Task::new(
            driver,
            Arc::clone(&store),
            self.providers.clone(),
            Arc::clone(&self.clock),
            receiver,
            Windows { shown, watchers: Arc::clone(&watchers), commits },
        );
        let inner = Inner {
            messages,
            store,
            providers: self.providers,
            clock: self.clock,
            shown: shown_receiver,
            watchers,
            commits: commits_receiver,
            voice,
            locale,
            task: Mutex::new(None),
        };
        (task, inner)
    }
}

impl Inner {
    fn with(mut self, task: JoinHandle<Result<(), StoreError>>) -> Manager {
        self.task = Mutex::new(Some(task));
        Manager { inner: Arc::new(self) }
    }
}

impl Manager {
    /// A manager with this policy.
    #[must_use]
    pub fn builder(policy: Policy) -> ManagerBuilder {
        ManagerBuilder {
            providers: HashMap::new(),
            store: None,
            clock: Arc::new(SystemClock),
            policy,
        }
    }
}
