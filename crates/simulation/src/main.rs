//! Tells stories, and what they refute: `cargo xtask simulate`.

mod arguments;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use offhook_simulation::{
    CARRIERS, Carrier, Invariant, Simulation, Story, Tally, Violation, shortest,
};

use arguments::Arguments;

/// All that a story has is made for it, and dropped with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{problem}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    let carriers: Vec<&Carrier> = match arguments.provider {
        Some(carrier) => vec![carrier],
        None => CARRIERS.iter().collect(),
    };
    if let Some(seed) = arguments.replay {
        return replay(&carriers, seed);
    }
    let mut told = Tally::default();
    let mut refuted = 0;
    let started = Instant::now();
    for carrier in &carriers {
        let share = arguments.seconds.map(|seconds| seconds / carriers.len() as u32);
        let Some(round) = Round::of(carrier, &arguments, share) else {
            eprintln!("{}: its provider does not take the emulator's account", carrier.name);
            return ExitCode::FAILURE;
        };
        round.print(carrier);
        told.merge(&round.tally);
        refuted += round.refuted();
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} stories, {} invariants, {refuted} refuted, {:.0} stories a second: {}",
        told.stories,
        Invariant::ALL.len(),
        told.stories as f64 / seconds,
        told.summary(),
    );
    if refuted == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The stories of one carrier.
struct Round {
    tally: Tally,
    seconds: f64,
    /// What was refuted: how often, and by which story first.
    refutations: BTreeMap<Invariant, (u64, Vec<u64>, Violation)>,
}

impl Round {
    fn of(
        carrier: &'static Carrier,
        arguments: &Arguments,
        at_most: Option<Duration>,
    ) -> Option<Self> {
        let mut simulation = Simulation::new(carrier)?;
        let mut refutations = BTreeMap::new();
        let started = Instant::now();
        for seed in arguments.from..arguments.from.saturating_add(arguments.seeds) {
            if at_most.is_some_and(|most| started.elapsed() >= most) {
                break;
            }
            let told = simulation.tell(&Story::of(seed));
            if let Some(violation) = told.violation {
                let known = refutations.entry(violation.invariant);
                let (count, seeds, _) = known.or_insert((0, Vec::new(), violation));
                *count += 1;
                if seeds.len() < 8 {
                    seeds.push(seed);
                }
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        Some(Self { tally: simulation.tally().clone(), seconds, refutations })
    }

    fn refuted(&self) -> u64 {
        self.refutations.values().map(|(count, _, _)| count).sum()
    }

    fn print(&self, carrier: &'static Carrier) {
        let stories = self.tally.stories;
        println!(
            "== {}: {stories} stories in {:.1} s, {:.0} a second, {:.0} steps each",
            carrier.name,
            self.seconds,
            stories as f64 / self.seconds,
            self.tally.steps as f64 / stories.max(1) as f64,
        );
        print!("{}", self.tally);
        for (invariant, (count, seeds, violation)) in &self.refutations {
            println!("\nREFUTED {count} times: {invariant} (seeds {seeds:?})");
            if let (Some(seed), Some(mut simulation)) = (seeds.first(), Simulation::new(carrier)) {
                show(&mut simulation, carrier, *seed, violation);
            }
        }
    }
}

/// The shortest story that refutes the same, and how to see it again.
fn show(simulation: &mut Simulation, carrier: &Carrier, seed: u64, violation: &Violation) {
    let (story, shortest) = shortest(simulation, &Story::of(seed), violation);
    println!("seed {seed}, made shorter:\n{story}");
    for line in simulation.tell_all(&story).trace {
        println!("  {line}");
    }
    println!("  {shortest}");
    println!("again: cargo xtask simulate --provider {} --replay {seed}", carrier.name);
}

fn replay(carriers: &[&'static Carrier], seed: u64) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for carrier in carriers {
        let Some(mut simulation) = Simulation::new(carrier) else { return ExitCode::FAILURE };
        let story = Story::of(seed);
        println!("== {}: seed {seed}\n{story}", carrier.name);
        let told = simulation.tell_all(&story);
        match &told.violation {
            Some(violation) => {
                show(&mut simulation, carrier, seed, violation);
                code = ExitCode::FAILURE;
            }
            None => {
                for line in told.trace {
                    println!("  {line}");
                }
                println!("  nothing is refuted");
            }
        }
    }
    code
}
