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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_stands_wherever_it_stood() {
        let template = Template::new("a=ID&b=1&c=ID".to_owned(), "ID");
        assert_eq!(template.of("77"), b"a=77&b=1&c=77");
    }
}
