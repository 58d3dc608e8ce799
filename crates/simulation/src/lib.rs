//! No phantom, no orphan, no second dial: tried by whole stories in virtual time.
//!
//! A *story* is what people do and what goes wrong, decided by a seed. It is told with the genuine
//! driver and call machine, the genuine store in memory, a genuine provider crate, and the
//! emulator's pure machine. What the simulation brings is all that lies between them: time, the
//! network, the shell that runs the driver, and a process that dies. There is no runtime, no
//! thread and no clock: one seed is one run, each time.
//!
//! After every step the [`Invariant`]s are tried, with the carrier's own ledger as the truth. A
//! story that refutes one is made shorter as long as it still does.
//!
//! ```
//! use offhook_simulation::{CARRIERS, Simulation, Story};
//!
//! let mut simulation = Simulation::new(&CARRIERS[0]).ok_or("no provider")?;
//! let told = simulation.tell(&Story::of(1));
//! assert_eq!(told.violation, None);
//! # Ok::<(), &str>(())
//! ```

mod carriers;
mod chance;
mod coverage;
mod invariant;
mod lobby;
mod oracle;
mod plant;
mod point;
mod process;
mod shrink;
mod story;
mod tally;
mod world;

pub use carriers::{CARRIERS, Carrier, carrier};
pub use invariant::{Invariant, Violation};
pub use plant::Plant;
pub use point::Point;
pub use shrink::shortest;
pub use story::{Act, Deed, Fault, Keys, Order, Party, Story, Terms, Wanted, Weather};
pub use tally::Tally;
pub use world::{Simulation, Told};
