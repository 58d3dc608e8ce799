//! The suite that every provider passes, as one named test per case ([`provider_suite!`]).
//!
//! The tests of a provider tell what they know of the carrier by a [`ProviderHarness`]; the suite
//! holds the provider against it. A case that does not concern a carrier says so and is listed by
//! the harness; nothing counts as passed that was not tried.
//!
//! [`provider_suite!`]: crate::provider_suite!

use std::fmt;
use std::future::Future;
use std::pin::Pin;

mod bodies;
mod capabilities;
mod command;
mod errors;
mod harness;
mod keys;
mod line;
mod listening;
mod requests;
mod secrets;
mod signatures;
mod statuses;
mod tampering;
mod texts;
mod webhooks;

pub use command::{Command, FROM, TO};
pub use harness::{
    Carried, Dialled, Finding, Genuine, Look, Meaning, Part, ProviderHarness, Refusal, Says,
    Searched, Signer, Tamper, Told,
};
pub use line::{Answered, Line, response};

/// Makes one named test per case of the suite, for the provider of a [`ProviderHarness`].
///
/// `$harness` is an expression that gives the harness. The caller needs `tokio` with `macros` and
/// `rt`.
///
/// ```text
/// offhook_conformance::provider_suite!(Harness);
/// ```
#[macro_export]
macro_rules! provider_suite {
    ($harness:expr) => {
        $crate::provider_suite!(@all tests [$harness]);

        #[test]
        fn every_skip_that_is_listed_is_of_a_case() {
            $crate::provider_suite::check_skips(&$harness);
        }
    };
    (@all $to:ident [$($argument:tt)*]) => {
        $crate::provider_suite! { @$to [$($argument)*]
            webhooks:
                every_genuine_webhook_is_taken_and_read,
                a_webhook_is_read_alike_every_time,
                an_inbound_call_asks_to_be_taken,
                a_webhook_of_another_account_has_no_effect,
                what_is_not_documented_is_kept_and_harms_nothing,
                a_fixed_answer_is_a_success;
            signatures:
                a_change_of_the_signed_url_is_refused,
                a_change_of_the_signed_content_is_refused,
                a_change_of_a_signed_header_is_refused,
                a_change_of_the_signature_is_refused,
                what_is_the_same_to_the_carrier_is_accepted,
                a_missing_signature_header_is_refused,
                a_doubled_signature_header_is_refused,
                a_signature_of_another_key_is_refused,
                both_keys_are_accepted_during_a_rotation,
                a_stale_signature_is_refused,
                a_method_that_carriers_do_not_use_is_refused;
            bodies:
                a_broken_body_is_an_error_or_harmless,
                what_strangers_send_is_refused;
            keys:
                the_same_delivery_has_the_same_key,
                a_retry_of_the_carrier_has_the_key_of_the_first,
                different_deliveries_have_different_keys,
                nothing_unsigned_enters_the_key;
            requests:
                a_dial_is_one_authenticated_request,
                a_dial_names_both_parties_in_e164,
                a_dial_brings_our_id_and_callbacks,
                a_dial_sets_limits_of_the_carriers_own,
                the_carriers_id_of_a_dialled_call_is_returned,
                the_same_request_is_the_same_bytes,
                a_command_is_one_authenticated_request_about_its_call,
                a_call_without_a_carrier_id_is_asked_of_nobody,
                nothing_is_repeated_by_itself,
                to_hang_up_a_call_that_is_over_is_no_failure;
            texts:
                odd_text_is_carried_as_it_is_or_refused_unsent,
                odd_text_is_rendered_as_it_is,
                a_reply_is_pure_and_repeatable,
                a_reply_is_of_its_step;
            listening:
                a_carrier_listens_for_what_is_asked_for;
            errors:
                what_was_not_sent_is_transient,
                what_may_have_been_sent_is_ambiguous,
                too_many_requests_are_throttled_with_their_wait,
                refused_credentials_are_unauthenticated,
                a_refusal_is_rejected_with_the_carriers_code,
                an_unknown_call_is_not_found,
                a_server_error_is_ambiguous_for_what_changes_something,
                a_success_of_somebody_else_is_none,
                a_refusal_of_somebody_else_is_undecodable;
            statuses:
                every_documented_status_has_its_meaning,
                a_status_that_is_not_documented_is_unknown,
                a_status_of_another_call_is_unknown,
                a_call_that_the_carrier_does_not_know_is_not_found,
                a_status_that_cannot_be_had_is_unknown,
                a_search_finds_what_the_carrier_lists,
                a_search_that_fails_is_unknown;
            capabilities:
                what_is_not_promised_is_unsupported_and_unsent,
                what_is_promised_is_sent,
                a_sip_address_is_dialled_as_it_is_or_refused_unsent;
            secrets:
                nothing_that_is_printed_shows_a_secret_or_a_number,
                the_secrets_that_are_searched_for_are_the_right_ones;
        }
    };
    (@tests [$harness:expr] $($module:ident: $($case:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $case() {
                $crate::provider_suite::run(&$harness, stringify!($case)).await;
            }
        )+)+
    };
    (@table [] $($module:ident: $($case:ident),+;)+) => {
        &[$($(
            Case {
                name: stringify!($case),
                run: |harness| Box::pin(async move { $module::$case(harness).await.outcome() }),
            }
        ),+),+]
    };
}

/// Every case of the suite.
pub const CASES: &[Case] = provider_suite!(@all table []);

/// A case that does not concern a carrier, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped(pub &'static str);

/// How a case ended that did not fail.
pub type Outcome = Result<(), Skipped>;

type Run = for<'a> fn(&'a dyn ProviderHarness) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// One case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    run: Run,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Case {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Runs it, skipped or not, as the harness lists it.
    ///
    /// # Panics
    /// It fails, or the harness says otherwise of a skip than the case does.
    pub async fn run(&self, harness: &dyn ProviderHarness) {
        let name = self.name;
        let listed = harness.skips().iter().find(|(case, _)| *case == name).map(|(_, why)| *why);
        match ((self.run)(harness).await, listed) {
            (Ok(()), None) => {}
            (Err(Skipped(why)), Some(listed)) => {
                println!("skipped: {name}: {why}");
                assert_eq!(listed, why, "the reason that is listed for {name}");
            }
            (Ok(()), Some(_)) => panic!("{name} is listed as skipped, and concerns this carrier"),
            (Err(Skipped(why)), None) => panic!("{name} is skipped ({why}), and not listed"),
        }
    }
}

/// Most cases concern everybody.
trait Concluded {
    fn outcome(self) -> Outcome;
}

impl Concluded for () {
    fn outcome(self) -> Outcome {
        Ok(self)
    }
}

impl Concluded for Outcome {
    fn outcome(self) -> Outcome {
        self
    }
}

/// Runs the case of this name.
///
/// # Panics
/// It fails, or there is none.
pub async fn run(harness: &dyn ProviderHarness, name: &str) {
    let case = CASES.iter().find(|case| case.name == name).expect("a case of the suite");
    case.run(harness).await;
}

/// That a harness lists no skip of a case that does not exist.
///
/// # Panics
/// It does.
pub fn check_skips(harness: &dyn ProviderHarness) {
    for (name, _) in harness.skips() {
        assert!(CASES.iter().any(|case| case.name == *name), "{name} is no case");
    }
}

/// What came, or a panic that names what it came from.
fn named<T, E: fmt::Debug>(name: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{name}: {error:?}"))
}
