//! Who may do what: every action on secrets and their metadata, for each role set, role, owner and project,
//! against the policy table of the specification (section 12.4), evaluated here on its own.

use serde_json::json;
use strongroom_tests::{Client, Server};

/// Everything that can be asked, with the rule that guards it and what it answers when allowed.
const ACTIONS: [(&str, &str, &str, u16); 13] = [
    ("secrets:post", "POST", "", 201),
    ("secrets:get", "GET", "", 200),
    ("secret:get", "GET", "/{id}", 200),
    ("secret:decrypt", "GET", "/{id}", 200),
    ("secret:decrypt", "GET", "/{id}/payload", 200),
    ("secret:put", "PUT", "/{empty}", 204),
    ("secret_meta:get", "GET", "/{id}/metadata", 200),
    ("secret_meta:get", "GET", "/{id}/metadata/k", 200),
    ("secret_meta:post", "POST", "/{id}/metadata", 201),
    ("secret_meta:put", "PUT", "/{id}/metadata", 201),
    ("secret_meta:put", "PUT", "/{id}/metadata/k", 200),
    ("secret_meta:delete", "DELETE", "/{id}/metadata/k", 204),
    ("secret:delete", "DELETE", "/{id}", 204),
];

/// Who asks: what the table's columns depend on.
struct Asking {
    role: &'static str,
    own: bool,
    same_project: bool,
}

impl Asking {
    fn is(&self, roles: &[&str]) -> bool {
        roles.contains(&self.role)
    }

    /// The column "legacy" of the table, for a secret that is not private and lists nobody.
    fn is_allowed_by_legacy(&self, rule: &str) -> bool {
        let all_users = ["admin", "observer", "creator", "audit", "key-manager:service-admin"];
        let non_private_read = self.is(&all_users) && self.same_project;
        let project_creator = self.is(&["creator"]) && self.same_project && self.own;
        let project_admin = self.is(&["admin"]) && self.same_project;
        let creator_role = self.is(&["creator"]) && self.same_project;
        match rule {
            "secrets:post" => self.is(&["admin", "creator"]),
            "secrets:get" => self.is(&["admin", "observer", "creator"]),
            "secret:get" | "secret_meta:get" => non_private_read || project_creator || project_admin,
            "secret:decrypt" => {
                let decrypt = self.is(&["admin", "observer", "creator"]) && self.same_project;
                decrypt || project_creator || project_admin
            }
            "secret:put" => self.is(&["admin", "creator"]) && self.same_project,
            "secret:delete" => project_admin || project_creator || creator_role,
            "secret_meta:post" | "secret_meta:put" | "secret_meta:delete" => {
                project_admin || project_creator || (creator_role && non_private_read)
            }
            _ => panic!("no rule {rule}"),
        }
    }

    /// The column "new defaults".
    fn is_allowed_by_current(&self, rule: &str) -> bool {
        let project_admin = self.is(&["admin"]) && self.same_project;
        let member_and_owner = self.is(&["member"]) && self.same_project && self.own;
        let member_and_not_private = self.is(&["member"]) && self.same_project;
        let in_project = project_admin || member_and_owner || member_and_not_private;
        match rule {
            "secrets:post" | "secrets:get" => self.is(&["member"]),
            "secret:get" | "secret:delete" => self.is(&["admin"]) || in_project,
            _ => in_project,
        }
    }
}

fn perform(client: &Client, rule: &str, method: &str, path: &str) -> u16 {
    let reply = match (rule, method) {
        ("secret:decrypt", _) => client.header("Accept", "text/plain").get(path),
        ("secret:put", _) => client.header("Content-Type", "text/plain").send("PUT", path, b"x"),
        ("secret_meta:put", _) if path.ends_with("/k") => {
            client.json(method, path, &json!({"key": "k", "value": "w"}))
        }
        ("secret_meta:put", _) => client.json(method, path, &json!({"metadata": {"k": "v"}})),
        ("secret_meta:post", _) => client.json(method, path, &json!({"key": "new", "value": "v"})),
        (_, "POST") => client.json(method, path, &json!({})),
        _ => client.send(method, path, b""),
    };
    reply.status
}

fn check(server: &Server, is_allowed: impl Fn(&Asking, &str) -> bool) {
    let owner = server.client("demo").header("X-User-Id", "owner");
    let roles =
        ["admin", "member", "reader", "creator", "observer", "audit", "key-manager:service-admin", "nobody"];
    for role in roles {
        for (project, user) in
            [("demo", Some("owner")), ("demo", Some("other")), ("demo", None), ("foreign", Some("owner"))]
        {
            let mut client = server.client(project).header("X-Roles", role);
            if let Some(user) = user {
                client = client.header("X-User-Id", user);
            }
            let asking = Asking { role, own: user == Some("owner"), same_project: project == "demo" };
            let full = owner.create(&json!({"payload": "x", "payload_content_type": "text/plain"}));
            let empty = owner.create(&json!({}));
            let pairs = json!({"metadata": {"k": "v"}});
            assert_eq!(owner.json("PUT", &format!("{full}/metadata"), &pairs).status, 201);
            for (rule, method, path, success) in ACTIONS {
                let url = match path.split_once('}') {
                    Some(("/{id", rest)) => format!("{full}{rest}"),
                    Some(_) => empty.clone(),
                    None => "/v1/secrets".to_owned(),
                };
                let expected = if is_allowed(&asking, rule) { success } else { 403 };
                let status = perform(&client, rule, method, &url);
                assert_eq!(status, expected, "{rule} {method} {path} as {role} {user:?} of {project}");
            }
            // What was refused has not happened.
            let gone = is_allowed(&asking, "secret:delete");
            assert_eq!(owner.get(&full).status, if gone { 404 } else { 200 }, "{role} {user:?} {project}");
            let uploaded = is_allowed(&asking, "secret:put");
            let status = owner.payload(&empty, "text/plain").status;
            assert_eq!(status, if uploaded { 200 } else { 404 }, "{role} {user:?} {project}");
        }
    }
}

// F-211, F-219: the default.
#[test]
fn the_new_role_set() {
    check(&Server::start(), Asking::is_allowed_by_current);
}

// F-210, F-214 to F-218.
#[test]
fn the_legacy_role_set() {
    let server = Server::start_with(&[("POLICY__ENFORCE_NEW_DEFAULTS", "false")]);
    check(&server, Asking::is_allowed_by_legacy);
}

// F-209, F-213: who names no roles has all that an administrator has; names compare without their case.
#[test]
fn roles_add_up() {
    let server = Server::start();
    let client = server.client("demo");
    for roles in ["", "admin,member", "Nobody, MEMBER", "reader,admin,member"] {
        let reply = client.header("X-Roles", roles).json("POST", "/v1/secrets", &json!({}));
        assert_eq!(reply.status, 201, "{roles}");
    }
    for roles in ["admin,reader", "members", "mem ber", "member;admin"] {
        let reply = client.header("X-Roles", roles).json("POST", "/v1/secrets", &json!({}));
        assert_eq!(reply.status, 403, "{roles}");
    }
}
