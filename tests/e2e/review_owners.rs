//! The review finds secrets whose project or creator is gone from the real Keystone, and takes nothing else for that.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use strongroom_tests::{Client, Ended, Keystone, Project, Server, User, write_private};

use crate::review::{decide, listed, told};
use crate::undo::{admin, id, start};

/// The settings that go with a Keystone, and a year that nobody has to wait for.
type Settings = Vec<(String, String)>;

fn borrowed(settings: &Settings) -> Vec<(&str, &str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn store(server: &Server, token: &str, name: &str) -> String {
    let client = Client::new(&server.endpoint()).header("X-Auth-Token", token);
    let secret = json!({"name": name, "payload": name, "payload_content_type": "text/plain"});
    format!("/v1/secrets/{}", id(&client.create(&secret)))
}

fn begin(data: &Path, settings: &Settings, to: &Path) -> Ended {
    let arguments = ["review", "start", "--operator", "olga", "--to", to.to_str().unwrap()];
    admin(data, &borrowed(settings), &arguments)
}

fn take_back(data: &Path, settings: &Settings, file: &Path) -> Ended {
    admin(data, &borrowed(settings), &["review", "decide", "--operator", "olga", file.to_str().unwrap()])
}

/// Why secrets are listed, by their names.
fn reasons(file: &Path) -> Vec<[String; 2]> {
    listed(file).into_iter().map(|[name, reasons, _]| [name, reasons]).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<[String; 2]> {
    expected.iter().map(|(name, reasons)| [(*name).to_owned(), (*reasons).to_owned()]).collect()
}

fn whats(started: &Value) -> Vec<&str> {
    started["unchecked"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect()
}

fn member(keystone: &Keystone) -> (Project, User) {
    let project = keystone.project();
    let user = keystone.user(&project, &["member"]);
    (project, user)
}

#[test]
fn secrets_of_projects_and_users_that_are_gone_or_disabled_are_listed_and_deleted() {
    let keystone = Keystone::shared();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let settings = keystone.settings_at(&keystone.url());
    let server = start(&data, &borrowed(&settings));
    let [there, gone, disabled, back] = [(); 4].map(|()| member(keystone));
    let leaver = keystone.user(&there.0, &["member"]);
    store(&server, &keystone.token(&there.1, &there.0), "there");
    let orphan = store(&server, &keystone.token(&gone.1, &gone.0), "project gone");
    store(&server, &keystone.token(&disabled.1, &disabled.0), "project disabled");
    store(&server, &keystone.token(&leaver, &there.0), "creator gone");
    let returned = store(&server, &keystone.token(&back.1, &back.0), "back");
    keystone.delete_project(&gone.0);
    keystone.delete_user(&leaver);
    keystone.enable_project(&disabled.0, false);
    keystone.enable_project(&back.0, false);

    let file = folder.path().join("review.csv");
    let started = told(&begin(&data, &settings, &file));
    let review = &started["reviews"][0];
    assert_eq!((&review["looked_at"], &review["listed"]), (&json!(5), &json!(4)), "{review}");
    assert_eq!((&review["owners_checked"], &review["owners_unknown"]), (&json!(true), &json!(0)));
    assert_eq!(whats(&started), [""; 0]);
    let expected = [
        ("back", "project-disabled"),
        ("creator gone", "creator-gone"),
        ("project disabled", "project-disabled"),
        ("project gone", "project-gone"),
    ];
    assert_eq!(reasons(&file), pairs(&expected));

    // What is back is not deleted, whatever was decided while it was not there.
    keystone.enable_project(&back.0, true);
    decide(&file, &[("project gone", "delete"), ("back", "delete")]);
    let refused = take_back(&data, &settings, &file);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains(id(&returned)) && !refused.stderr.contains(id(&orphan)), "{refused:?}");
    decide(&file, &[("back", "keep")]);
    assert_eq!(told(&take_back(&data, &settings, &file))["reviews"][0]["to_delete"], 1);
    let applied = told(&admin(&data, &borrowed(&settings), &["review", "apply"]));
    assert_eq!(applied["reviews"][0]["deleted"], 1, "{applied}");
    let restorable = told(&admin(&data, &borrowed(&settings), &["deleted", "list"]));
    assert_eq!(restorable["deleted"][0]["secret"], json!(id(&orphan)));
    let doctor = admin(&data, &borrowed(&settings), &["doctor"]);
    assert!(doctor.stdout.contains("owners checked"), "{doctor:?}");
}

#[test]
fn what_keystone_does_not_say_is_not_known_and_makes_no_orphan() {
    let mut keystone = Keystone::start(3600);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut settings = keystone.settings_at(&keystone.url());
    // It is killed on purpose.
    settings.push(("IDENTITY__KEYSTONE__TIMEOUT_SECONDS".to_owned(), "5".to_owned()));
    let server = start(&data, &borrowed(&settings));
    let (project, user) = member(&keystone);
    store(&server, &keystone.token(&user, &project), "whose");
    keystone.delete_project(&project);

    // A user that may not look, one source among several, a wrong path, none at all: none of these knows.
    let (of_service, weak) = {
        let project = keystone.project();
        let user = keystone.user(&project, &["service"]);
        (project, user)
    };
    let password = folder.path().join("weak");
    write_private(&password, Keystone::USER_PASSWORD);
    let with = |more: &[(&str, &str)]| {
        let own = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        settings.iter().cloned().chain(own).collect::<Settings>()
    };
    let unprivileged = with(&[
        ("IDENTITY__KEYSTONE__USERNAME", &weak.name),
        ("IDENTITY__KEYSTONE__PROJECT_NAME", ""),
        ("IDENTITY__KEYSTONE__PROJECT_ID", &of_service.id),
        ("IDENTITY__KEYSTONE__PASSWORD_FILE", password.to_str().unwrap()),
    ]);
    let several = with(&[
        ("IDENTITY__SOURCES", "[\"keystone\", \"jwt\"]"),
        ("IDENTITY__JWT__ISSUER", "https://issuer.example"),
        ("IDENTITY__JWT__AUDIENCES", "[\"strongroom\"]"),
        ("IDENTITY__JWT__JWKS_URL", "https://issuer.example/keys"),
    ]);
    let wrong_path = with(&[("IDENTITY__KEYSTONE__URL", &format!("http://{}/v2", keystone.address()))]);
    let whole = |name: &str| format!("{name} {}", if name == "project" { &project.id } else { &user.id });
    let both = [whole("project"), whole("user")];
    for (number, (settings, unchecked, why)) in [
        (&unprivileged, &both[..], "role reader on the system"),
        (&several, &both[..1], "another identity source may"),
        (&wrong_path, &both[..], "404"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = folder.path().join(format!("{number}.csv"));
        let ended = begin(&data, settings, &file);
        let started = told(&ended);
        assert_eq!(started["reviews"][0]["listed"], 0, "{started}");
        assert_eq!(started["reviews"][0]["owners_unknown"], unchecked.len(), "{started}");
        assert_eq!(whats(&started), unchecked, "{started}");
        assert!(ended.stderr.contains(why), "{ended:?}");
    }

    // Decided by one who knows, and taken back while nobody does.
    let file = folder.path().join("review.csv");
    assert_eq!(told(&begin(&data, &settings, &file))["reviews"][0]["listed"], 1);
    keystone.kill();
    let down = folder.path().join("down.csv");
    let started = told(&begin(&data, &settings, &down));
    assert_eq!((&started["reviews"][0]["listed"], whats(&started).len()), (&json!(0), 2), "{started}");
    decide(&file, &[("whose", "delete")]);
    let refused = take_back(&data, &settings, &file);
    assert!(refused.code == Some(1) && refused.stderr.contains("not known any more"), "{refused:?}");
    let nowhere = folder.path().join("nowhere.csv");
    let started = told(&begin(&data, &Settings::new(), &nowhere));
    assert_eq!(started["reviews"][0]["owners_checked"], false, "{started}");
    assert!(!fs::read_to_string(&file).unwrap().contains(Keystone::USER_PASSWORD));
}
