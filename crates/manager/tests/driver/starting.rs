//! When what is to be done at a carrier is begun.

use offhook_core::ProviderCallIds;
use offhook_manager::{EffectKind, JobKind, Submission, machine::Command};

use crate::world::World;

#[test]
fn what_waited_for_an_overtaken_speech_begins_when_that_comes_back_and_not_with_the_next_event() {
    let mut world = World::commands();
    let call = world.talking("+15550000001", "A");
    let speech = world.job(|job| matches!(job.kind, JobKind::Effect(_)));
    let JobKind::Effect(overtaken) = speech.kind else { unreachable!("it is an effect") };
    // Said before the first speech is taken: it waits, since one command of a call is under way.
    world.command(call, Command::StopListening).unwrap();
    assert_eq!(world.effects(), []);

    // As the task has it: nothing is started between the commit and the question when to wake.
    let result = Ok(ProviderCallIds::none());
    world.driver.submit(Submission::EffectDone { call, effect: overtaken.id, result });
    assert!(world.driver.turn(world.now).is_empty(), "it tells nothing new");
    assert!(world.driver.committed(Ok(()), world.now).is_empty());
    assert!(world.driver.next_wakeup().is_some_and(|due| due <= world.now));
    world.begin();
    let effects = world.jobs.iter().map(|job| job.kind).collect::<Vec<_>>();
    assert!(
        matches!(effects[..], [JobKind::Effect(effect)] if effect.kind != overtaken.kind),
        "{effects:?}"
    );
    assert!(matches!(overtaken.kind, EffectKind::Perform(_)));
}
