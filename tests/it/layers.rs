//! The map of `docs/architecture.md` kept true: who may import whom, and that every file says what
//! it is.

use crate::hunt::files_below;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Each area of `src` and what of ours it may know. Imports are a fan: `session` composes; `org`,
/// `crypto` and `storage` know nothing but secret bytes.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("cli", &["error"]),
    ("context", &["error", "secret"]),
    ("config", &["cli", "context", "error", "org", "storage"]),
    (
        "commands",
        &[
            "cli", "config", "context", "error", "exchange", "launch", "org", "secret", "session",
            "terminal",
        ],
    ),
    ("terminal", &["context", "error", "secret"]),
    ("launch", &["context", "error", "hygiene", "secret"]),
    ("hygiene", &[]),
    ("exchange", &["error", "secret"]),
    ("session", &["config", "context", "crypto", "error", "format", "org", "secret", "storage"]),
    ("org", &["points", "secret"]),
    ("format", &["org", "secret"]),
    ("crypto", &["points", "secret"]),
    ("storage", &["secret"]),
    ("points", &[]),
    ("secret", &[]),
    ("error", &[]),
];

/// Where everything meets: the map and the dispatch.
const ROOTS: &[&str] = &["lib", "main"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files() -> Vec<PathBuf> {
    let files: Vec<_> = files_below(&source());
    files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// `org` for both `src/org.rs` and `src/org/fold.rs`.
fn area(path: &Path) -> String {
    let first = path.strip_prefix(source()).unwrap().components().next().unwrap();
    Path::new(first.as_os_str()).file_stem().unwrap().to_string_lossy().into_owned()
}

/// The areas that code names by `crate::`, one by one or in braces.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(first_names(group)),
            None => found.extend(first_name(rest)),
        }
    }
    found
}

fn first_name(path: &str) -> Option<String> {
    let name = path.trim_start();
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    (end > 0).then(|| name[..end].to_owned())
}

/// `a` and `b` of `a::{x, y}, b::z}`.
fn first_names(group: &str) -> Vec<String> {
    let mut names = vec![first_name(group)];
    let mut depth = 0;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(first_name(&group[at + 1..])),
            _ => {}
        }
    }
    names.into_iter().flatten().collect()
}

/// A file's code: no comments, and no unit tests, which may build their cases with anything.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn nothing_is_imported_against_the_layers() {
    let mut wrong = Vec::new();
    for path in rust_files() {
        let area = area(&path);
        if ROOTS.contains(&area.as_str()) {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == area) else {
            wrong.push(format!("{}: {area} is not in the table", path.display()));
            continue;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        for import in imports(&code_of(&text)) {
            if import != area && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{}: {area} may not know {import}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `super` leads out of an area only from its first file, where it would name the crate's root.
#[test]
fn no_area_is_left_by_way_of_super() {
    for path in rust_files() {
        let depth = path.strip_prefix(source()).unwrap().components().count();
        let code = code_of(&std::fs::read_to_string(&path).unwrap());
        let climb = "super::".repeat(depth);
        assert!(!code.contains(&climb), "{}: {climb} leaves the area", path.display());
    }
}

#[test]
fn every_file_says_what_it_is() {
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not open with `//!`", path.display());
    }
}

#[test]
fn imports_are_found_in_every_shape() {
    let code = "use crate::a::b;\nuse crate::{c::{d, e}, f, g::h};\nfn i() -> crate::j::K { my_crate::l }\n\
                pub(crate) use crate::m;";
    let wanted = ["a", "c", "f", "g", "j", "m"].map(str::to_owned);
    assert_eq!(imports(code), BTreeSet::from(wanted));
    let with_tests = "use crate::a::b;\n// crate::c\n#[cfg(test)]\nmod tests { use crate::d; }";
    assert_eq!(imports(&code_of(with_tests)), BTreeSet::from(["a".to_owned()]));
}
