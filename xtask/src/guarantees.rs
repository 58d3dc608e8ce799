//! Is every test there that `docs/guarantees.md` names?

use std::path::Path;

/// One item of a list, whole.
struct Item<'a> {
    section: &'a str,
    text: String,
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

impl Item<'_> {
    /// The tests that it names: their files and names.
    fn tests(&self) -> Vec<(&str, &str)> {
        let named = code(&self.text).filter_map(|word| word.rsplit_once("::"));
        named.filter(|(file, _)| file.ends_with(".rs")).collect()
    }
}

fn items(page: &str) -> Vec<Item<'_>> {
    let (mut section, mut items) = ("", Vec::<Item<'_>>::new());
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading;
        } else if let Some(begin) = line.strip_prefix("- ") {
            items.push(Item { section, text: begin.to_owned() });
        } else if let (true, Some(item)) = (line.starts_with("  "), items.last_mut()) {
            item.text.push('\n');
            item.text.push_str(line);
        }
    }
    items
}

/// Whether a source has a test of this name: a function that is marked as one, or one that a list of
/// stories or of a suite names.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_it = |line: &&str| line.contains(&format!("fn {name}("));
    let is_marked = lines.iter().position(is_it).is_some_and(|place| {
        let marks = lines[..place].iter().rev().take_while(|line| line.starts_with(['#', '/']));
        marks.filter(|line| line.starts_with("#[")).any(|line| line.contains("test"))
    });
    let is_listed = ["stories! {", "macro_rules! store_suite"].iter().any(|it| source.contains(it))
        && lines.iter().any(|line| line.trim_end_matches([',', ';']) == name);
    is_marked || is_listed
}

/// What is wrong with the page.
fn faults(page: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut faults = Vec::new();
    for item in items(page) {
        let tests = item.tests();
        if item.section == "What holds" && tests.is_empty() {
            faults.push(format!("no test shows: {}", item.text));
        }
        for (file, name) in tests {
            match read(file) {
                None => faults.push(format!("there is no {file}")),
                Some(source) if !has_test(&source, name) => {
                    faults.push(format!("{file} has no test {name}"));
                }
                Some(_) => {}
            }
        }
    }
    faults
}

#[test]
fn every_test_that_the_guarantees_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    let page = std::fs::read_to_string(root.join("docs/guarantees.md")).unwrap();
    let read = |file: &str| std::fs::read_to_string(root.join(file)).ok();
    assert_eq!(faults(&page, read), [""; 0]);
    let shown = items(&page).iter().filter(|item| item.section == "What holds").count();
    assert!(shown >= 20, "{shown} sentences: is the page still read as it is written?");
}

#[test]
fn a_page_that_names_what_is_not_there_is_refused() {
    let source = "#[test]\n/// Why.\nfn it_holds() {}\nfn it_helps() {}\n";
    let read = |file: &str| (file == "a.rs").then(|| source.to_owned());
    let found = |item: &str| faults(&format!("## What holds\n\n- It holds.\n  {item}\n"), read);
    assert_eq!(found("`a.rs::it_holds`"), [""; 0]);
    assert_eq!(found("`a.rs::it_helps`"), ["a.rs has no test it_helps"]);
    assert_eq!(found("`a.rs::it_hold`"), ["a.rs has no test it_hold"]);
    assert_eq!(found("`a.rs::it_holds`\n  `b.rs::it_holds`"), ["there is no b.rs"]);
    assert_eq!(found("`it holds`").len(), 1);
    assert_eq!(faults("## What does not hold\n\n- It is so.\n", read), [""; 0]);
}

#[test]
fn a_story_and_a_case_of_a_suite_are_tests() {
    for head in ["stories! {\n    on every provider:", "macro_rules! store_suite {"] {
        let source = format!("{head}\n    it_holds,\n    it_lasts;\n}}\nasync fn it_holds(\n");
        assert!(has_test(&source, "it_holds") && has_test(&source, "it_lasts"));
        assert!(!has_test(&source, "it"));
    }
    assert!(!has_test("it_holds,\n", "it_holds"));
}
