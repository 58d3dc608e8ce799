//! What is made of refusals and faults, by every command.

use std::time::Duration;

use offhook_core::{ErrorClass, ProviderError};

use super::Answered;
use super::command::{Command, able};
use super::harness::{ProviderHarness, Refusal};
use super::line::{self, Line};

/// Each promised command, answered like this, and the error that it comes to.
async fn each(
    h: &dyn ProviderHarness,
    answer: &Answered,
    is_meant: fn(Command) -> bool,
) -> Vec<(Command, ProviderError)> {
    let mut failed = Vec::new();
    for command in able(h).await.into_iter().filter(|command| is_meant(*command)) {
        let provider = h.provider(Line::with(answer.clone()));
        match command.run(&*provider, &h.call()).await {
            Err(error) => failed.push((command, error)),
            Ok(()) => panic!("{command:?} succeeds though {answer:?} came"),
        }
    }
    failed
}

async fn all_are(h: &dyn ProviderHarness, answer: Answered, class: ErrorClass) {
    for (command, error) in each(h, &answer, |_| true).await {
        assert_eq!(error.class(), class, "{command:?} after {answer:?}: {error:?}");
    }
}

/// What was not sent was not carried out, and may be repeated: the dial too.
pub(super) async fn what_was_not_sent_is_transient(h: &dyn ProviderHarness) {
    for fault in line::faults_before() {
        all_are(h, Err(fault), ErrorClass::Transient).await;
    }
}

/// What may have been sent may have been carried out. A question can be asked again.
pub(super) async fn what_may_have_been_sent_is_ambiguous(h: &dyn ProviderHarness) {
    for fault in line::faults_after() {
        let answer = Err(fault);
        for (command, error) in each(h, &answer, |_| true).await {
            let class =
                if command.is_write() { ErrorClass::Ambiguous } else { ErrorClass::Transient };
            assert_eq!(error.class(), class, "{command:?} after {answer:?}");
        }
    }
}

/// Too many requests: not taken, and the time that is asked for is kept.
pub(super) async fn too_many_requests_are_throttled_with_their_wait(h: &dyn ProviderHarness) {
    for (seconds, wait) in [("7", Some(7)), ("99999999", Some(3600)), ("-1", None), ("soon", None)]
    {
        for answer in [h.refusal(Refusal::Throttled), line::page(429)] {
            let answer = Ok(line::waiting(answer, seconds));
            for (command, error) in each(h, &answer, |_| true).await {
                assert_eq!(error.class(), ErrorClass::Throttled, "{command:?}");
                let wait = wait.map(Duration::from_secs);
                assert_eq!(error.retry_after(), wait, "{command:?}, {seconds}");
            }
        }
    }
}

/// Refused credentials are told as such, whoever refuses them.
pub(super) async fn refused_credentials_are_unauthenticated(h: &dyn ProviderHarness) {
    for answer in [h.refusal(Refusal::Unauthenticated), line::page(401)] {
        all_are(h, Ok(answer), ErrorClass::Unauthenticated).await;
    }
}

/// A refusal for what the request says keeps the carrier's code, so that it can be looked up.
pub(super) async fn a_refusal_is_rejected_with_the_carriers_code(h: &dyn ProviderHarness) {
    let answer = Ok(h.refusal(Refusal::Rejected));
    for (command, error) in each(h, &answer, |_| true).await {
        assert_eq!(error.class(), ErrorClass::Rejected, "{command:?}: {error:?}");
        assert_eq!(error.code(), Some(h.rejection_code()), "{command:?}");
        assert_eq!(error.retry_after(), None, "{command:?}");
    }
}

/// A call that the carrier does not know is not found, if the carrier says so.
pub(super) async fn an_unknown_call_is_not_found(h: &dyn ProviderHarness) {
    let answer = Ok(h.refusal(Refusal::NotFound));
    let failed = each(h, &answer, |command| command.names_a_call() && command != Command::HangUp);
    for (command, error) in failed.await {
        assert_eq!(error.class(), ErrorClass::NotFound, "{command:?}: {error:?}");
    }
}

/// After a fault of the carrier's own, what changes something may have been carried out.
pub(super) async fn a_server_error_is_ambiguous_for_what_changes_something(
    h: &dyn ProviderHarness,
) {
    let genuine = ("the carrier's", h.refusal(Refusal::ServerError));
    for (name, answer) in line::server_errors().into_iter().chain([genuine]) {
        for (command, error) in each(h, &Ok(answer), |_| true).await {
            let class =
                if command.is_write() { ErrorClass::Ambiguous } else { ErrorClass::Transient };
            assert_eq!(error.class(), class, "{command:?} after {name}: {error:?}");
        }
    }
}

/// A success that is none of this carrier's is none, and proves nothing: the call may be placed.
pub(super) async fn a_success_of_somebody_else_is_none(h: &dyn ProviderHarness) {
    let successes = line::successes_of_nobody().into_iter().map(|one| (one, false));
    let empty = line::empty_successes().into_iter().map(|one| (one, true));
    for ((name, answer), is_empty) in successes.chain(empty) {
        for command in able(h).await {
            if h.needs_no_body(command) && (is_empty || command != Command::Dial) {
                continue;
            }
            let provider = h.provider(Line::with(Ok(answer.clone())));
            let error = command.run(&*provider, &h.call()).await;
            let class = error.as_ref().err().map(ProviderError::class);
            let is_unclear = matches!(class, Some(ErrorClass::Ambiguous | ErrorClass::Undecodable));
            assert!(is_unclear, "{command:?} after {name}: {error:?}");
        }
    }
}

/// A refusal that is none of this carrier's refuses nothing for good and finds no call missing.
pub(super) async fn a_refusal_of_somebody_else_is_undecodable(h: &dyn ProviderHarness) {
    for (name, answer) in line::refusals_of_nobody() {
        for (command, error) in each(h, &Ok(answer), |_| true).await {
            assert_eq!(error.class(), ErrorClass::Undecodable, "{command:?} after {name}");
        }
    }
}
