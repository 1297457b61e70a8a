/// Which of the two default sets applies (`enforce_new_defaults`). Never both: a union would silently
/// widen access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RuleSet {
    /// The roles member, reader and admin.
    #[default]
    Current,
    /// The roles creator, observer, audit, admin and key-manager:service-admin.
    Legacy,
}

struct Definition {
    name: &'static str,
    legacy: &'static str,
    current: &'static str,
}

impl Definition {
    const fn new(name: &'static str, legacy: &'static str, current: &'static str) -> Self {
        Self { name, legacy, current }
    }

    const fn same(name: &'static str, text: &'static str) -> Self {
        Self::new(name, text, text)
    }
}

/// The default rules of one set: name and text, building blocks included. The names of the rules that
/// guard an API call are the reference's (spec section 12.4), so that operators' overrides load.
pub fn default_rules(set: RuleSet) -> impl Iterator<Item = (&'static str, &'static str)> {
    DEFINITIONS.iter().map(move |rule| match set {
        RuleSet::Current => (rule.name, rule.current),
        RuleSet::Legacy => (rule.name, rule.legacy),
    })
}

#[rustfmt::skip]
const DEFINITIONS: &[Definition] = &[
    // Roles.
    Definition::same("admin", "role:admin"),
    Definition::same("creator", "role:creator"),
    Definition::same("observer", "role:observer"),
    Definition::same("audit", "role:audit"),
    Definition::same("service_admin", "role:key-manager:service-admin"),
    Definition::same("all_users", "rule:admin or rule:observer or rule:creator or rule:audit or rule:service_admin"),
    Definition::same("all_but_audit", "rule:admin or rule:observer or rule:creator"),
    Definition::same("admin_or_creator", "rule:admin or rule:creator"),
    // What the rules about a secret are made of.
    Definition::same("secret_project_match", "project_id:%(target.secret.project_id)s"),
    Definition::same("secret_acl_read", "'read':%(target.secret.read)s"),
    Definition::same("secret_private_read", "'False':%(target.secret.read_project_access)s"),
    Definition::same("secret_is_not_private", "True:%(target.secret.read_project_access)s"),
    Definition::same("secret_creator_user", "user_id:%(target.secret.creator_id)s"),
    Definition::same("secret_owner", "user_id:%(target.secret.creator_id)s"),
    Definition::same("secret_project_admin", "role:admin and rule:secret_project_match"),
    Definition::same("secret_project_member", "role:member and rule:secret_project_match"),
    Definition::same("secret_project_reader", "role:reader and rule:secret_project_match"),
    Definition::same("secret_project_creator_role", "role:creator and rule:secret_project_match"),
    Definition::same("secret_project_creator", "rule:secret_project_creator_role and rule:secret_creator_user"),
    Definition::same(
        "secret_non_private_read",
        "rule:all_users and rule:secret_project_match and rule:secret_is_not_private",
    ),
    Definition::same("secret_member_own", "rule:secret_project_member and rule:secret_owner"),
    Definition::same("secret_member_shared", "rule:secret_project_member and rule:secret_is_not_private"),
    Definition::same(
        "secret_decrypt_non_private_read",
        "rule:all_but_audit and rule:secret_project_match and rule:secret_is_not_private",
    ),
    // What the rules about a container are made of.
    Definition::same("container_project_match", "project_id:%(target.container.project_id)s"),
    Definition::same("container_acl_read", "'read':%(target.container.read)s"),
    Definition::same("container_private_read", "'False':%(target.container.read_project_access)s"),
    Definition::same("container_is_not_private", "True:%(target.container.read_project_access)s"),
    Definition::same("container_creator_user", "user_id:%(target.container.creator_id)s"),
    Definition::same("container_owner", "user_id:%(target.container.creator_id)s"),
    Definition::same("container_project_admin", "role:admin and rule:container_project_match"),
    Definition::same("container_project_member", "role:member and rule:container_project_match"),
    Definition::same("container_project_reader", "role:reader and rule:container_project_match"),
    Definition::same("container_project_creator_role", "role:creator and rule:container_project_match"),
    Definition::same("container_project_creator", "rule:container_project_creator_role and rule:container_creator_user"),
    Definition::same(
        "container_non_private_read",
        "rule:all_users and rule:container_project_match and rule:container_is_not_private",
    ),
    Definition::same("container_member_own", "rule:container_project_member and rule:container_owner"),
    Definition::same("container_member_shared", "rule:container_project_member and rule:container_is_not_private"),
    // What the rules about an order are made of.
    Definition::same("order_project_match", "project_id:%(target.order.project_id)s"),
    Definition::same("order_project_member", "role:member and rule:order_project_match"),
    // Secrets.
    Definition::new("secrets:post", "rule:admin_or_creator", "role:member"),
    Definition::new("secrets:get", "rule:all_but_audit", "role:member"),
    Definition::new(
        "secret:get",
        "rule:secret_non_private_read or rule:secret_project_creator or rule:secret_project_admin or rule:secret_acl_read",
        "role:admin or rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared or rule:secret_acl_read",
    ),
    Definition::new(
        "secret:decrypt",
        "rule:secret_decrypt_non_private_read or rule:secret_project_creator or rule:secret_project_admin or rule:secret_acl_read",
        "rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared or rule:secret_acl_read",
    ),
    Definition::new(
        "secret:put",
        "rule:admin_or_creator and rule:secret_project_match",
        "rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared",
    ),
    Definition::new(
        "secret:delete",
        "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and rule:secret_is_not_private)",
        "role:admin or rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared",
    ),
    Definition::new(
        "secret_meta:get",
        "rule:secret_non_private_read or rule:secret_project_creator or rule:secret_project_admin or rule:secret_acl_read",
        "rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared or rule:secret_acl_read",
    ),
    Definition::new(
        "secret_meta:post",
        "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and rule:secret_non_private_read)",
        "rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared",
    ),
    Definition::new(
        "secret_meta:put",
        "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and rule:secret_non_private_read)",
        "rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared",
    ),
    Definition::new(
        "secret_meta:delete",
        "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and rule:secret_non_private_read)",
        "rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared",
    ),
    Definition::new(
        "secret_acls:get",
        "(rule:all_but_audit and rule:secret_project_match and rule:secret_is_not_private) or rule:secret_project_creator or rule:secret_project_admin",
        "rule:secret_project_admin or rule:secret_member_own",
    ),
    Definition::new(
        "secret_acls:put_patch",
        "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and rule:secret_is_not_private)",
        "rule:secret_project_admin or rule:secret_member_own",
    ),
    Definition::new(
        "secret_acls:delete",
        "rule:secret_project_admin or rule:secret_project_creator or (rule:secret_project_creator_role and rule:secret_is_not_private)",
        "rule:secret_project_admin or rule:secret_member_own",
    ),
    Definition::new(
        "secret_consumers:get",
        "rule:secret_non_private_read or rule:secret_project_creator or rule:secret_project_admin or rule:secret_acl_read",
        "rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared or rule:secret_acl_read",
    ),
    Definition::new(
        "secret_consumers:post",
        "rule:secret_non_private_read or rule:secret_project_creator or rule:secret_project_admin or rule:secret_acl_read",
        "rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared or rule:secret_acl_read",
    ),
    Definition::new(
        "secret_consumers:delete",
        "rule:secret_non_private_read or rule:secret_project_creator or rule:secret_project_admin or rule:secret_acl_read",
        "rule:secret_project_admin or rule:secret_member_own or rule:secret_member_shared or rule:secret_acl_read",
    ),
    // Containers.
    Definition::new(
        "consumer:get",
        "rule:all_but_audit or rule:audit or rule:container_non_private_read or rule:container_project_creator or rule:container_project_admin or rule:container_acl_read",
        "role:admin or rule:container_member_own or rule:container_member_shared or rule:container_acl_read",
    ),
    Definition::new("containers:post", "rule:admin_or_creator", "role:member"),
    Definition::new("containers:get", "rule:all_but_audit", "role:member"),
    Definition::new(
        "container:get",
        "rule:container_non_private_read or rule:container_project_creator or rule:container_project_admin or rule:container_acl_read",
        "rule:container_project_admin or rule:container_member_own or rule:container_member_shared or rule:container_acl_read",
    ),
    Definition::new(
        "container:delete",
        "rule:container_project_admin or rule:container_project_creator",
        "rule:container_project_admin or rule:container_member_own or rule:container_member_shared",
    ),
    Definition::new(
        "container_secret:post",
        "rule:container_project_admin or rule:container_project_creator or (rule:container_project_creator_role and rule:container_non_private_read)",
        "rule:container_project_admin or rule:container_member_own or rule:container_member_shared",
    ),
    Definition::new(
        "container_secret:delete",
        "rule:container_project_admin or rule:container_project_creator or (rule:container_project_creator_role and rule:container_non_private_read)",
        "rule:container_project_admin or rule:container_member_own or rule:container_member_shared",
    ),
    Definition::new(
        "container_acls:get",
        "(rule:all_but_audit and rule:container_project_match and rule:container_is_not_private) or rule:container_project_creator or rule:container_project_admin",
        "rule:container_project_admin or rule:container_member_own",
    ),
    Definition::new(
        "container_acls:put_patch",
        "rule:container_project_admin or rule:container_project_creator or (rule:container_project_creator_role and rule:container_is_not_private)",
        "rule:container_project_admin or rule:container_member_own",
    ),
    Definition::new(
        "container_acls:delete",
        "rule:container_project_admin or rule:container_project_creator or (rule:container_project_creator_role and rule:container_is_not_private)",
        "rule:container_project_admin or rule:container_member_own",
    ),
    Definition::new(
        "container_consumers:get",
        "rule:container_non_private_read or rule:container_project_creator or rule:container_project_admin or rule:container_acl_read",
        "rule:container_project_admin or rule:container_member_own or rule:container_member_shared or rule:container_acl_read",
    ),
    Definition::new(
        "container_consumers:post",
        "rule:container_non_private_read or rule:container_project_creator or rule:container_project_admin or rule:container_acl_read",
        "rule:container_project_admin or rule:container_member_own or rule:container_member_shared or rule:container_acl_read",
    ),
    Definition::new(
        "container_consumers:delete",
        "rule:container_non_private_read or rule:container_project_creator or rule:container_project_admin or rule:container_acl_read",
        "rule:container_project_admin or rule:container_member_own or rule:container_member_shared or rule:container_acl_read",
    ),
    // Orders.
    Definition::new("orders:post", "rule:admin_or_creator", "role:member"),
    Definition::new("orders:put", "rule:admin_or_creator", "role:member"),
    Definition::new("orders:get", "rule:all_but_audit", "role:member"),
    Definition::new("order:get", "rule:all_users and rule:order_project_match", "rule:order_project_member"),
    Definition::new("order:delete", "rule:admin and rule:order_project_match", "rule:order_project_member"),
    // Quotas.
    Definition::new("quotas:get", "rule:all_users", "role:reader"),
    Definition::new("project_quotas:get", "rule:service_admin", "role:admin"),
    Definition::new("project_quotas:put", "rule:service_admin", "role:admin"),
    Definition::new("project_quotas:delete", "rule:service_admin", "role:admin"),
    // Secret stores.
    Definition::new("secretstores:get", "rule:all_users", "role:reader"),
    Definition::new("secretstores:get_global_default", "rule:all_users", "role:reader"),
    Definition::new("secretstores:get_preferred", "rule:all_users", "role:reader"),
    Definition::new("secretstore:get", "rule:all_users", "role:reader"),
    Definition::new("secretstore_preferred:post", "rule:admin", "role:admin"),
    Definition::new("secretstore_preferred:delete", "rule:admin", "role:admin"),
    // Transport keys.
    Definition::new("transport_key:get", "rule:all_users", "role:reader"),
    Definition::new("transport_keys:get", "rule:all_users", "role:reader"),
    Definition::new("transport_keys:post", "rule:service_admin", "role:admin"),
    Definition::new("transport_key:delete", "rule:service_admin", "role:admin"),
];
