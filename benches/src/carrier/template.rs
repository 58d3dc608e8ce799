//! Texts in which the id of a call stands.

/// A text, and where the id stands in it: each id is as long as the one that it was made with.
#[derive(Debug)]
pub(super) struct Template {
    text: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    pub(super) fn new(text: String, id: &str) -> Self {
        let places = text.match_indices(id).map(|(place, _)| place).collect();
        Self { text: text.into_bytes(), places }
    }

    /// The text for this call.
    pub(super) fn of(&self, id: &str) -> Vec<u8> {
        let mut text = self.text.clone();
        for place in &self.places {
            text[*place..][..id.len()].copy_from_slice(id.as_bytes());
        }
        text
    }
}

/// A form of any call: its body, and what is signed of it.
#[derive(Debug)]
pub(super) struct SignedForm {
    pub(super) body: Template,
    pub(super) signed: Template,
}

impl SignedForm {
    /// Its parameters in the order in which they are sent; sorted, name by value, they are signed.
    pub(super) fn new(mut pairs: Vec<(&str, &str)>, id: &str) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        pairs.sort_unstable();
        let signed = pairs.iter().flat_map(|(name, value)| [*name, *value]).collect();
        Self { body: Template::new(body, id), signed: Template::new(signed, id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_stands_wherever_it_stood() {
        let template = Template::new("a=ID&b=1&c=ID".to_owned(), "ID");
        assert_eq!(template.of("77"), b"a=77&b=1&c=77");
    }
}
