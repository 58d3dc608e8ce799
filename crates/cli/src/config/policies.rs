//! Policies that can be followed, and cannot be meant.

use offhook::manager::InboundPolicy;

use super::Config;
use super::problem::Problem;
use super::reader::Reader;

pub(super) fn oddities(reader: &Reader, config: &Config) -> Vec<Problem> {
    let mut oddities = Vec::new();
    let list = "inbound.allow_from";
    let is_given = reader.value(list).is_some_and(|value| !value.is_empty());
    let in_vain = match &config.policy.inbound {
        // A list with mistakes in it is not empty.
        InboundPolicy::Allowlist(allowed) if allowed.is_empty() && !reader.has_problem(list) => {
            let what = "is allowlist, and inbound.allow_from names nobody: whoever calls is \
                        rejected; name numbers there, or write \"disabled\"";
            oddities.push(reader.about("inbound.policy", what.to_owned()));
            None
        }
        InboundPolicy::Disabled => Some("disabled: nobody is let in"),
        InboundPolicy::Open => Some("open: everybody is let in"),
        _ => None,
    };
    if let Some(policy) = in_vain.filter(|_| is_given && !reader.has_problem("inbound.policy")) {
        let what = format!(
            "has no effect, since inbound.policy is {policy}; write inbound.policy = \
             \"allowlist\", or remove the list"
        );
        oddities.push(reader.about(list, what));
    }
    for network in config.trusted_proxies.iter().filter(|network| network.prefix_len() == 0) {
        let what = format!(
            "has {network}, which is everybody: any sender may then say by X-Forwarded-Host \
             which URL was signed; name the addresses of your own proxies"
        );
        oddities.push(reader.about("webhooks.trusted_proxies", what));
    }
    oddities
}
