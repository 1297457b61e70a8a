//! Who may do what: every route, walked by every role, in and out of the project, and compared with the
//! policy table (spec section 12.4). The table is written down here again, in its own words.

use std::collections::HashSet;

use serde_json::{Value, json};
use strongroom_tests::{Client, Server};

const ID: &str = "94c3e0a2-6b8b-4b7e-8e9f-0a1b2c3d4e5f";
const ROLES: [&str; 8] =
    ["admin", "member", "reader", "creator", "observer", "audit", "key-manager:service-admin", "none"];

/// Who asks, and what there is between them and the object.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a condition of its own in the policy table")]
struct Who {
    role: &'static str,
    in_project: bool,
    owner: bool,
    listed: bool,
    /// Whether the object is closed to the rest of its project.
    private: bool,
}

/// A rule of the table: one column each.
type Rule = fn(Who) -> bool;

impl Who {
    fn is(self, roles: &[&str]) -> bool {
        roles.contains(&self.role)
    }
    fn all_users(self) -> bool {
        self.is(&["admin", "observer", "creator", "audit", "key-manager:service-admin"])
    }
    fn all_but_audit(self) -> bool {
        self.is(&["admin", "observer", "creator"])
    }
    /// NPR
    fn non_private_read(self) -> bool {
        self.all_users() && self.in_project && !self.private
    }
    /// PC
    fn project_creator(self) -> bool {
        self.creator_role() && self.owner
    }
    /// CR
    fn creator_role(self) -> bool {
        self.is(&["creator"]) && self.in_project
    }
    /// PA
    fn project_admin(self) -> bool {
        self.is(&["admin"]) && self.in_project
    }
    /// MO
    fn member_own(self) -> bool {
        self.is(&["member"]) && self.in_project && self.owner
    }
    /// MN
    fn member_shared(self) -> bool {
        self.is(&["member"]) && self.in_project && !self.private
    }
}

const LEGACY_READ: Rule =
    |who| who.non_private_read() || who.project_creator() || who.project_admin() || who.listed;
const LEGACY_WRITE: Rule =
    |who| who.project_admin() || who.project_creator() || (who.creator_role() && who.non_private_read());
const READ: Rule = |who| WRITE(who) || who.listed;
const WRITE: Rule = |who| who.project_admin() || who.member_own() || who.member_shared();
const ACL: Rule = |who| who.project_admin() || who.member_own();
/// As release 23.0.0 has it: whether the object is private counts (spec section 27).
const LEGACY_ACL: Rule =
    |who| who.project_admin() || who.project_creator() || (who.creator_role() && !who.private);
const LEGACY_ACL_READ: Rule = |who| {
    (who.all_but_audit() && who.in_project && !who.private) || who.project_creator() || who.project_admin()
};

/// One request: method, path under the object, the status for those who may, and the two columns.
struct Row {
    method: &'static str,
    path: &'static str,
    allowed: u16,
    legacy: Rule,
    current: Rule,
}

const fn row(method: &'static str, path: &'static str, allowed: u16, legacy: Rule, current: Rule) -> Row {
    Row { method, path, allowed, legacy, current }
}

/// Requests on a secret. Those that change something are judged after the rule and found wanting, so that
/// walking them changes nothing: by their media type (415), their parameters (400), or what they name (404).
const SECRET: &[Row] = &[
    row("GET", "", 200, LEGACY_READ, |who| who.is(&["admin"]) || READ(who)),
    row(
        "GET",
        "/payload",
        200,
        |who| {
            (who.all_but_audit() && who.non_private_read())
                || who.project_creator()
                || who.project_admin()
                || who.listed
        },
        READ,
    ),
    row("PUT", "", 415, |who| who.is(&["admin", "creator"]) && who.in_project, WRITE),
    row(
        "DELETE",
        "?force=maybe",
        400,
        |who| who.project_admin() || who.project_creator() || (who.creator_role() && !who.private),
        |who| who.is(&["admin"]) || WRITE(who),
    ),
    row("GET", "/metadata", 200, LEGACY_READ, READ),
    row("PUT", "/metadata", 415, LEGACY_WRITE, WRITE),
    row("POST", "/metadata", 415, LEGACY_WRITE, WRITE),
    row("GET", "/metadata/k", 404, LEGACY_READ, READ),
    row("PUT", "/metadata/k", 415, LEGACY_WRITE, WRITE),
    row("DELETE", "/metadata/k", 204, LEGACY_WRITE, WRITE),
    row("GET", "/acl", 200, LEGACY_ACL_READ, ACL),
    row("PUT", "/acl", 415, LEGACY_ACL, ACL),
    row("PATCH", "/acl", 415, LEGACY_ACL, ACL),
    row("GET", "/consumers", 200, LEGACY_READ, READ),
    row("POST", "/consumers", 415, LEGACY_READ, READ),
    row("DELETE", "/consumers", 415, LEGACY_READ, READ),
    row(
        "GET",
        "/consumers/{ID}",
        404,
        |who| who.is(&["admin", "observer", "creator", "audit"]),
        |who| who.is(&["admin"]),
    ),
];

/// Requests on a generic container, likewise.
const CONTAINER: &[Row] = &[
    row("GET", "", 200, LEGACY_READ, READ),
    row("POST", "/secrets", 415, LEGACY_WRITE, WRITE),
    row("DELETE", "/secrets", 400, LEGACY_WRITE, WRITE),
    row("GET", "/acl", 200, LEGACY_ACL_READ, ACL),
    row("PUT", "/acl", 415, LEGACY_ACL, ACL),
    row("PATCH", "/acl", 415, LEGACY_ACL, ACL),
    row("GET", "/consumers", 200, LEGACY_READ, READ),
    row("POST", "/consumers", 415, LEGACY_READ, READ),
    row("DELETE", "/consumers", 415, LEGACY_READ, READ),
    row(
        "GET",
        "/consumers/{ID}",
        404,
        |who| who.is(&["admin", "observer", "creator", "audit"]) || LEGACY_READ(who),
        |who| who.is(&["admin"]) || who.member_own() || who.member_shared() || who.listed,
    ),
];

/// Requests that destroy what they are for: each on an object of its own.
const DESTROYING: &[(&str, Row)] = &[
    ("secret", row("DELETE", "/acl", 200, LEGACY_ACL, ACL)),
    ("container", row("DELETE", "/acl", 200, LEGACY_ACL, ACL)),
    ("container", row("DELETE", "", 204, |who| who.project_admin() || who.project_creator(), WRITE)),
];

/// Requests on no object in particular: only the role counts.
const COLLECTIONS: &[Row] = &[
    row("GET", "/v1", 200, |_| true, |_| true),
    row("POST", "/v1/secrets", 415, |who| who.is(&["admin", "creator"]), |who| who.is(&["member"])),
    row("GET", "/v1/secrets", 200, Who::all_but_audit, |who| who.is(&["member"])),
    row("POST", "/v1/containers", 415, |who| who.is(&["admin", "creator"]), |who| who.is(&["member"])),
    row("GET", "/v1/containers", 200, Who::all_but_audit, |who| who.is(&["member"])),
    row("POST", "/v1/orders", 415, |who| who.is(&["admin", "creator"]), |who| who.is(&["member"])),
    row("PUT", "/v1/orders", 405, |who| who.is(&["admin", "creator"]), |who| who.is(&["member"])),
    row("GET", "/v1/orders", 200, Who::all_but_audit, |who| who.is(&["member"])),
    row("GET", "/v1/quotas", 200, Who::all_users, |who| who.is(&["reader"])),
    row(
        "GET",
        "/v1/project-quotas",
        200,
        |who| who.is(&["key-manager:service-admin"]),
        |who| who.is(&["admin"]),
    ),
    row(
        "GET",
        "/v1/project-quotas/p",
        404,
        |who| who.is(&["key-manager:service-admin"]),
        |who| who.is(&["admin"]),
    ),
    row(
        "PUT",
        "/v1/project-quotas/p",
        415,
        |who| who.is(&["key-manager:service-admin"]),
        |who| who.is(&["admin"]),
    ),
    row(
        "DELETE",
        "/v1/project-quotas/p",
        404,
        |who| who.is(&["key-manager:service-admin"]),
        |who| who.is(&["admin"]),
    ),
    row("GET", "/v1/secret-stores", 404, Who::all_users, |who| who.is(&["reader"])),
    row("GET", "/v1/secret-stores/global-default", 404, Who::all_users, |who| who.is(&["reader"])),
    row("GET", "/v1/secret-stores/preferred", 404, Who::all_users, |who| who.is(&["reader"])),
    row("GET", "/v1/transport_keys", 200, Who::all_users, |who| who.is(&["reader"])),
    row(
        "POST",
        "/v1/transport_keys",
        415,
        |who| who.is(&["key-manager:service-admin"]),
        |who| who.is(&["admin"]),
    ),
];

/// One server with one of the two sets of rules.
struct House {
    server: Server,
    current: bool,
}

impl House {
    fn new(current: bool) -> Self {
        let server = Server::start_with(&[
            ("POLICY__ENFORCE_NEW_DEFAULTS", if current { "true" } else { "false" }),
            ("ORDERS__WAIT_MS", "20000"),
        ]);
        Self { server, current }
    }

    /// The owner, with the roles it takes to make things.
    fn owner(&self) -> Client {
        let roles = if self.current { "member" } else { "creator" };
        self.server.client("home").header("X-User-Id", "owner").header("X-Roles", roles)
    }

    /// A secret or container of the owner's, with a user of another project on its list.
    fn object(&self, kind: &str, private: bool) -> String {
        let owner = self.owner();
        let object = if kind == "secret" {
            owner.create(&json!({"payload": "canary", "payload_content_type": "text/plain"}))
        } else {
            let reply = owner.json("POST", "/v1/containers", &json!({"type": "generic", "name": "canary"}));
            reply.value()["container_ref"].as_str().expect("a reference").to_owned()
        };
        let list = json!({"read": {"project-access": !private, "users": ["listed"]}});
        assert_eq!(owner.json("PUT", &format!("{object}/acl"), &list).status, 200);
        object
    }

    fn client(&self, project: &str, user: &str, role: &str) -> Client {
        let client = self.server.client(project).header("X-User-Id", user).header("X-Roles", role);
        client.header("OpenStack-API-Version", "key-manager 1.2")
    }

    /// Everybody: each role of the owner's, of a peer's, of a stranger's and of a listed stranger's.
    fn everybody(&self, private: bool) -> Vec<(Who, Client)> {
        let mut all = Vec::new();
        for role in ROLES {
            for (project, user) in
                [("home", "owner"), ("home", "peer"), ("away", "stranger"), ("away", "listed")]
            {
                let who = Who {
                    role,
                    in_project: project == "home",
                    owner: user == "owner",
                    listed: user == "listed",
                    private,
                };
                all.push((who, self.client(project, user, role)));
            }
        }
        all
    }

    fn check(&self, row: &Row, path: &str, who: Who, client: &Client) -> Option<String> {
        let expected = if self.current { (row.current)(who) } else { (row.legacy)(who) };
        let asking =
            if row.path == "/payload" { client.header("Accept", "text/plain") } else { client.clone() };
        let path = format!("{path}{}", row.path.replace("{ID}", ID));
        let reply = asking.send(row.method, &path, b"");
        let status = if expected { row.allowed } else { 403 };
        let current = self.current;
        assert_eq!(
            reply.status,
            status,
            "current: {current}, {} {path} as {who:?}: {}",
            row.method,
            reply.text()
        );
        // A refusal says nothing about what it guards.
        (!expected).then(|| reply.text())
    }
}

// F-199 to F-201, F-203, F-209 to F-219, F-223.
fn objects(current: bool) {
    let house = House::new(current);
    for (kind, rows) in [("secret", SECRET), ("container", CONTAINER)] {
        for private in [false, true] {
            let object = house.object(kind, private);
            for row in rows {
                let mut refusals = HashSet::new();
                for (who, client) in house.everybody(private) {
                    refusals.extend(house.check(row, &object, who, &client));
                }
                assert!(refusals.len() <= 1, "{refusals:?}");
            }
        }
    }
}

#[test]
fn the_current_rules_hold_on_every_object() {
    objects(true);
}

#[test]
fn the_legacy_rules_hold_on_every_object() {
    objects(false);
}

#[test]
fn the_rules_hold_for_what_destroys() {
    for current in [true, false] {
        let house = House::new(current);
        for (kind, row) in DESTROYING {
            for private in [false, true] {
                let mut object = house.object(kind, private);
                for (who, client) in house.everybody(private) {
                    if house.check(row, &object, who, &client).is_none() {
                        object = house.object(kind, private);
                    }
                }
            }
        }
    }
}

#[test]
fn the_rules_hold_on_every_collection() {
    for current in [true, false] {
        let house = House::new(current);
        for row in COLLECTIONS {
            for (who, client) in house.everybody(false) {
                house.check(row, "", who, &client);
            }
        }
    }
}

// F-187, F-222: another project's order is not found, whatever the role.
#[test]
fn the_rules_hold_on_orders_and_transport_keys() {
    for current in [true, false] {
        let house = House::new(current);
        let owner = house.owner();
        let place = || {
            let meta = json!({"type": "key", "meta": {"algorithm": "aes", "bit_length": 128}});
            let reply = owner.json("POST", "/v1/orders", &meta);
            reply.value()["order_ref"].as_str().expect("a reference").to_owned()
        };
        let mut order = place();
        for (who, client) in house.everybody(false) {
            let (read, delete) = if current {
                (who.is(&["member"]), who.is(&["member"]))
            } else {
                (who.all_users(), who.is(&["admin"]))
            };
            let status = |allowed, success| {
                if !who.in_project {
                    404
                } else if allowed {
                    success
                } else {
                    403
                }
            };
            assert_eq!(client.get(&order).status, status(read, 200), "{who:?}");
            assert_eq!(client.delete(&order).status, status(delete, 204), "{who:?}");
            if who.in_project && delete {
                order = place();
            }
        }
        let admin = house.client("any", "any", if current { "admin" } else { "key-manager:service-admin" });
        let key = json!({"plugin_name": "p", "transport_key": "k"});
        let add = || admin.json("POST", "/v1/transport_keys", &key).value()["transport_key_ref"].clone();
        let mut reference = add();
        for (who, client) in house.everybody(false) {
            let (read, delete) = if current {
                (who.is(&["reader"]), who.is(&["admin"]))
            } else {
                (who.all_users(), who.is(&["key-manager:service-admin"]))
            };
            let path = reference.as_str().unwrap().to_owned();
            assert_eq!(client.get(&path).status, if read { 200 } else { 403 }, "{who:?}");
            assert_eq!(client.delete(&path).status, if delete { 204 } else { 403 }, "{who:?}");
            if delete {
                reference = add();
            }
        }
    }
}

// F-200: what a listed user reads, and that neither lists nor links tell of what another project has.
#[test]
fn another_project_learns_nothing() {
    let house = House::new(true);
    let owner = house.owner();
    for kind in ["secret", "container"] {
        house.object(kind, false);
    }
    let meta = json!({"type": "key", "meta": {"algorithm": "aes", "bit_length": 128}});
    assert_eq!(owner.json("POST", "/v1/orders", &meta).status, 202);
    let stranger = house.client("away", "stranger", "admin,member,reader");
    for path in ["/v1/secrets", "/v1/containers", "/v1/orders", "/v1/secrets?acl_only=true"] {
        let list = stranger.get(path).value();
        assert_eq!(list["total"], 0, "{path}");
        let lists: Vec<_> = list.as_object().unwrap().values().filter_map(Value::as_array).collect();
        assert!(lists.len() == 1 && lists[0].is_empty() && list.get("next").is_none(), "{list}");
    }
    // F-220: an id that is none, or nobody's, is not found by those without any role.
    let nobody = house.client("away", "stranger", "none");
    for path in ["/v1/secrets", "/v1/containers"] {
        for id in [ID, "nonsense", &ID.to_uppercase()] {
            for tail in ["", "/acl", "/consumers"] {
                assert_eq!(nobody.get(&format!("{path}/{id}{tail}")).status, 404, "{path}/{id}{tail}");
            }
        }
    }
}
