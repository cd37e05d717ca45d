//! `secrets list` and `secrets show`.

use crate::acme::{acme, copy, create, join, update, write};
use secrets::org::record::Record;
use secrets::org::roles::Role;
use serde_json::Value;

const VALUE: &str = "a value not to be listed";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_pipe_gets_tabs_and_a_terminal_columns() {
    let world = acme();
    world.run(["list"]).success().stdout_is("").stderr_is(
        "no secrets in acme/development yet: `secrets create NAME -e development` makes one\n",
    );
    create(&world, "B_TOKEN", VALUE);
    create(&world, "A", VALUE);
    update(&world, "A", "its second value");
    let text = world.run(["list"]).success().text();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!((rows[0][0], rows[0][1], rows[0][3], rows[0][4]), ("A", "2", "alice", "ok"));
    assert_eq!((rows[1][0], rows[1][1], rows.len()), ("B_TOKEN", "1", 2));
    assert!(rows[0][2].ends_with('Z') && rows[0][2].len() == 20, "{text}");
    let screen = world.secrets(["list"]).on_terminal().finish().success();
    let lines: Vec<&str> = screen.text.lines().collect();
    assert_eq!(lines[0].trim_end(), "NAME     VERSION  UPDATED           BY     STATUS");
    assert!(lines[1].starts_with("A        2        20") && lines[1].trim_end().ends_with("ok"));
    assert!(lines.iter().all(|line| line.trim_end().len() <= 100));
}

#[test]
fn the_documents_have_their_fields() {
    let world = acme();
    world.secrets(["create", "TOKEN", "--note", "two\nlines"]).value(VALUE).run().success();
    let list = world.run(["list", "--json"]).success().json();
    assert_eq!(keys(&list), ["environment", "org", "secrets"]);
    assert_eq!((&list["org"], &list["environment"]), (&"acme".into(), &"development".into()));
    let row = &list["secrets"][0];
    let listed = [
        "created_at",
        "created_by",
        "environment",
        "etag",
        "id",
        "name",
        "number",
        "projects",
        "rotate_days",
        "scope",
        "status",
        "type",
        "updated_at",
        "updated_by",
        "version",
    ];
    assert_eq!(keys(row), listed);
    assert_eq!(
        (&row["name"], &row["type"], &row["status"]),
        (&"TOKEN".into(), &"value".into(), &"ok".into())
    );
    assert_eq!((&row["version"], &row["number"]), (&"1".into(), &1.into()));
    assert_eq!((&row["scope"], &row["projects"]), (&Value::Null, &Value::Array(vec![])));
    assert_eq!(row["id"].as_str().unwrap().len(), 20);
    let show = world.run(["show", "TOKEN", "--json"]).success().json();
    let mut shown: Vec<&str> = listed.to_vec();
    shown.extend(["conflicts", "may", "note", "proposed", "versions"]);
    shown.sort_unstable();
    assert_eq!(keys(&show), shown);
    assert_eq!((&show["note"], &show["versions"]), (&"two\nlines".into(), &1.into()));
    assert_eq!(show["etag"], row["etag"]);
    assert_eq!(keys(&show["may"]), ["delete", "restore", "reveal", "update"]);
    assert!(show["may"].as_object().unwrap().values().all(|may| *may == true));
    let empty = world.run(["list", "-e", "staging", "--json"]).success().json();
    assert_eq!(empty["secrets"], Value::Array(vec![]));
}

#[test]
fn show_has_a_line_a_fact() {
    let world = acme();
    world.secrets(["create", "TOKEN", "--note", "two\nlines\x1b[31m"]).value(VALUE).run().success();
    let text = world.run(["show", "TOKEN"]).success().text();
    let labels: Vec<&str> = text.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(
        labels,
        [
            "name",
            "id",
            "environment",
            "type",
            "scope",
            "version",
            "versions",
            "status",
            "etag",
            "created",
            "updated",
            "you may",
            "note"
        ]
    );
    assert!(text.contains("\nnote\ttwo\\nlines\\u{1b}[31m\n"), "{text}");
    assert!(text.contains("\nyou may\treveal, update, restore, delete\n"), "{text}");
    let screen = world.secrets(["show", "TOKEN"]).on_terminal().finish().success();
    screen.has("note         two\r\n             lines\\u{1b}[31m\r\n").lacks("\x1b[31m");
}

#[test]
fn what_is_not_there_is_not_found() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    world.run(["show", "TOKNE"]).fails(3).stderr_has("did you mean TOKEN?");
    world.run(["list", "-e", "none"]).fails(3).stderr_has("no environment named none in acme");
    world.run(["delete", "TOKEN", "--yes"]).success();
    world.run(["show", "TOKEN"]).fails(3).stderr_has("alice deleted it on");
    world.run(["list"]).success().stdout_is("");
}

#[test]
fn every_member_reads_names_and_learns_their_rights() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let cases = [
        (None, "only look"),
        (Some((Role::Viewer, "development")), "only look"),
        (Some((Role::Writer, "development")), "update"),
        (Some((Role::Editor, "development")), "reveal, update, restore"),
        (Some((Role::Editor, "production")), "only look"),
    ];
    for (at, (role, words)) in cases.into_iter().enumerate() {
        let bob = join(&world, &format!("bob {at}"), role);
        bob.run(["show", "TOKEN"]).success().stdout_has(&format!("\nyou may\t{words}\n"));
        bob.run(["list"]).success().stdout_has("TOKEN\t1\t");
    }
}

#[test]
fn a_conflict_shows_until_somebody_decides() {
    let world = acme();
    create(&world, "TOKEN", VALUE);
    let other = copy(&world, "laptop");
    other.secrets(["update", "TOKEN"]).value("from the laptop").run().success();
    update(&world, "TOKEN", "from this machine");
    other.unite();
    let show = world.run(["show", "TOKEN", "--json"]).success().json();
    assert_eq!((&show["status"], &show["versions"]), (&"conflict".into(), &3.into()));
    let conflicts = show["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 2);
    assert!(conflicts.contains(&show["version"]));
    world.run(["list"]).stdout_has("\tconflict\n");
    world.run(["update", "TOKEN", "--note", "decided nothing"]).success();
    world.run(["list"]).stdout_has("\tconflict\n");
    update(&world, "TOKEN", "decided");
    world.run(["list"]).stdout_has("\tok\n");
}

#[test]
fn what_a_removed_reader_could_open_is_exposed_until_written_again() {
    let world = acme();
    let bob = join(&world, "bob", Some((Role::Editor, "development")));
    create(&world, "TOKEN", VALUE);
    write(&world, Record::Remove { member: bob.id, keep: vec![] });
    world.run(["list"]).stdout_has("\texposed\n");
    update(&world, "TOKEN", VALUE);
    world.run(["list"]).stdout_has("TOKEN\t2\t").stdout_has("\tok\n");
    bob.run(["list"]).fails(4);
}
