//! Rust text, without its comments and its tests.

use std::path::Path;

use crate::outcome::Failure;

/// The code of one file.
pub(super) struct File {
    /// Its path from the workspace's root.
    pub(super) name: String,
    /// Its text with comments and tests blanked out; each line is still where it was.
    pub(super) code: String,
}

impl File {
    pub(super) fn new(name: String, text: &str) -> Self {
        Self { name, code: code(text) }
    }
}

/// Every Rust file below these folders but `tests.rs` and `tests/`, which are test modules kept
/// beside their code.
pub(super) fn files(root: &Path, folders: &[&str]) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for folder in folders {
        collect(root, &root.join(folder), &mut files)?;
    }
    Ok(files)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) -> Result<(), Failure> {
    let unread = |path: &Path, error: std::io::Error| {
        Failure::new(format!("{} cannot be read: {error}", path.display()))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unread(folder, error))? {
        paths.push(entry.map_err(|error| unread(folder, error))?.path());
    }
    paths.sort();
    for path in paths {
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).map_err(|error| unread(&path, error))?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
            files.push(File::new(name.into_owned(), &text));
        }
    }
    Ok(())
}

/// What a byte of the text belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Code,
    Literal,
    Comment,
}

/// The text with comments and tests blanked out.
fn code(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let classes = classes(&bytes);
    for (byte, class) in bytes.iter_mut().zip(&classes) {
        if *class == Class::Comment && *byte != b'\n' {
            *byte = b' ';
        }
    }
    // Braces and the like within a literal do not count.
    let mut bare = bytes.clone();
    for (byte, class) in bare.iter_mut().zip(&classes) {
        if *class == Class::Literal {
            *byte = b' ';
        }
    }
    const TEST: &[u8] = b"#[cfg(test)]";
    let mut at = 0;
    while let Some(start) = find(&bare[at..], TEST).map(|found| at + found) {
        let end = item_end(&bare, start + TEST.len());
        for byte in bytes[start..end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at = end;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The end of the item that starts here: after its block, its semicolon or its comma. In doubt it
/// ends early, so that too much is looked at and not too little.
fn item_end(bare: &[u8], start: usize) -> usize {
    let (mut round, mut curly) = (0_usize, 0_usize);
    for (index, byte) in bare.iter().enumerate().skip(start) {
        match byte {
            b'(' | b'[' => round += 1,
            b')' | b']' => round = round.saturating_sub(1),
            b'{' => curly += 1,
            b'}' if curly <= 1 => return index + usize::from(curly == 1),
            b'}' => curly -= 1,
            b';' | b',' if round == 0 && curly == 0 => return index + 1,
            _ => {}
        }
    }
    bare.len()
}

/// Tells code, literals and comments apart.
fn classes(text: &[u8]) -> Vec<Class> {
    let mut classes = vec![Class::Code; text.len()];
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let (class, length) = if rest.starts_with(b"//") {
            (Class::Comment, rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()))
        } else if rest.starts_with(b"/*") {
            (Class::Comment, block_comment(rest))
        } else if rest[0] == b'"' {
            (Class::Literal, quoted(rest))
        } else if let Some(length) = raw_string(rest) {
            (Class::Literal, length)
        } else if let Some(length) = character(rest) {
            (Class::Literal, length)
        } else {
            (Class::Code, 1)
        };
        classes[at..at + length].fill(class);
        at += length;
    }
    classes
}

/// The length of a block comment, which may have others within.
fn block_comment(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of what starts with a quote and ends with the same, unescaped.
fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == rest[0] => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `r"…"`, `r#"…"#` and so on, if one starts here.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest.strip_prefix(b"r")?.iter().take_while(|byte| **byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let open = 2 + hashes;
    Some(find(&rest[open..], &end).map_or(rest.len(), |found| open + found + end.len()))
}

/// The length of a character literal, if one starts here and it is not a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    if rest[0] != b'\'' {
        return None;
    }
    if rest.get(1) == Some(&b'\\') {
        return Some(quoted(rest));
    }
    // One character of up to four bytes, then the quote.
    let character = std::str::from_utf8(&rest[1..rest.len().min(5)]);
    let valid = match character {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&rest[1..1 + error.valid_up_to()]).ok()?,
    };
    let width = valid.chars().next()?.len_utf8();
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(text: &str, wanted: &str) {
        let code = code(text);
        assert_eq!(code.lines().count(), text.lines().count(), "lines stay where they are");
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), wanted);
    }

    #[test]
    fn comments_go_and_literals_stay() {
        is("a(); // b\n/// c\n//! d\ne();", "a(); e();");
        is("a(/* b /* c */ d */ e);", "a( e);");
        is(r#"a("// b", "\"/*", c);"#, r#"a("// b", "\"/*", c);"#);
        is("a(r#\"\"// b\"#, br\"\\\", c); // d", "a(r#\"\"// b\"#, br\"\\\", c);");
        is("a('\"', '\\'', '/', 'ä'); // b", "a('\"', '\\'', '/', 'ä');");
        is("fn a<'b>(c: &'b str) {} // '", "fn a<'b>(c: &'b str) {}");
    }

    #[test]
    fn tests_go_and_what_follows_them_stays() {
        is(
            "a();\n#[cfg(test)]\nmod tests {\n  fn b() { \"}\"; '}'; /* } */ }\n}\nc();",
            "a(); c();",
        );
        is("#[cfg(test)] mod tests;\na();", "a();");
        is("#[cfg(test)]\n#[allow(x)]\nfn a() -> [u8; 4] { b() }\nc();", "c();");
        is("#[cfg(test)] use a::{b, c};\nd();", "; d();");
        is("struct A { #[cfg(test)] b: u8, c: u8 }", "struct A { c: u8 }");
        is("struct A { c: u8, #[cfg(test)] b: u8 }", "struct A { c: u8, }");
        is("// #[cfg(test)]\na();", "a();");
    }
}
