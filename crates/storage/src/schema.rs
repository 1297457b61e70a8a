//! The tables as the queries see them; the migrations create them.

diesel::table! {
    projects (id) {
        id -> BigInt,
        external_id -> Text,
        next_position -> BigInt,
        live -> BigInt,
    }
}

diesel::table! {
    secrets (id) {
        id -> Binary,
        project -> BigInt,
        position -> BigInt,
        live -> Bool,
        name -> Nullable<Text>,
        secret_type -> Text,
        algorithm -> Nullable<Text>,
        mode -> Nullable<Text>,
        bit_length -> Nullable<BigInt>,
        expiration -> Nullable<BigInt>,
        creator -> Nullable<Text>,
        created -> BigInt,
        updated -> BigInt,
        content_type -> Nullable<Text>,
    }
}

diesel::table! {
    secret_buckets (project, bucket) {
        project -> BigInt,
        bucket -> BigInt,
        live -> BigInt,
    }
}

diesel::table! {
    project_keys (id) {
        id -> Binary,
        project -> BigInt,
        backend -> Text,
        version -> BigInt,
        master -> BigInt,
        wrapped -> Binary,
        created -> BigInt,
    }
}

diesel::table! {
    payloads (secret) {
        secret -> Binary,
        project_key -> Binary,
        backend -> Text,
        content_type -> Text,
        sealed -> Binary,
    }
}

diesel::table! {
    user_metadata (secret, name) {
        secret -> Binary,
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    master_keys (backend, version) {
        backend -> Text,
        version -> BigInt,
        canary -> Binary,
        created -> BigInt,
    }
}

diesel::table! {
    applied_changes (id) {
        id -> Binary,
    }
}

diesel::joinable!(secrets -> projects (project));
diesel::joinable!(project_keys -> projects (project));
diesel::allow_tables_to_appear_in_same_query!(projects, secrets);
diesel::allow_tables_to_appear_in_same_query!(projects, project_keys);
