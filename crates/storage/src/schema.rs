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
        fingerprint -> Nullable<Binary>,
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
        state -> Text,
        since -> BigInt,
    }
}

diesel::table! {
    applied_changes (id) {
        id -> Binary,
    }
}

diesel::table! {
    acls (object) {
        object -> Binary,
        project_access -> Bool,
        created -> BigInt,
        updated -> BigInt,
    }
}

diesel::table! {
    acl_users (object, position) {
        object -> Binary,
        position -> BigInt,
        user -> Text,
    }
}

diesel::table! {
    consumers (id) {
        position -> BigInt,
        id -> Binary,
        kind -> Text,
        object -> Binary,
        project -> BigInt,
        name -> Text,
        resource_type -> Text,
        resource -> Text,
        created -> BigInt,
        updated -> BigInt,
    }
}

diesel::table! {
    containers (id) {
        position -> BigInt,
        id -> Binary,
        project -> BigInt,
        name -> Nullable<Text>,
        container_type -> Text,
        creator -> Nullable<Text>,
        created -> BigInt,
        updated -> BigInt,
    }
}

diesel::table! {
    container_members (position) {
        position -> BigInt,
        container -> Binary,
        secret -> Binary,
        name -> Text,
    }
}

diesel::table! {
    orders (id) {
        position -> BigInt,
        id -> Binary,
        project -> BigInt,
        creator -> Nullable<Text>,
        order_type -> Text,
        name -> Nullable<Text>,
        algorithm -> Text,
        mode -> Nullable<Text>,
        bit_length -> BigInt,
        expiration -> Nullable<BigInt>,
        content_type -> Text,
        meta -> Text,
        state -> Text,
        made_secret -> Nullable<Binary>,
        made_container -> Nullable<Binary>,
        failure_code -> Nullable<BigInt>,
        failure_reason -> Nullable<Text>,
        worker -> Nullable<Text>,
        worker_run -> Nullable<Binary>,
        lease_until -> Nullable<BigInt>,
        created -> BigInt,
        updated -> BigInt,
    }
}

diesel::table! {
    order_passphrases (order_id) {
        order_id -> Binary,
        project_key -> Binary,
        backend -> Text,
        content_type -> Text,
        sealed -> Binary,
    }
}

diesel::table! {
    project_quotas (project) {
        position -> BigInt,
        project -> Text,
        secrets -> Nullable<BigInt>,
        orders -> Nullable<BigInt>,
        containers -> Nullable<BigInt>,
        consumers -> Nullable<BigInt>,
        cas -> Nullable<BigInt>,
    }
}

diesel::table! {
    transport_keys (id) {
        position -> BigInt,
        id -> Binary,
        plugin_name -> Text,
        transport_key -> Text,
        created -> BigInt,
    }
}

diesel::table! {
    secret_stores (id) {
        id -> Binary,
        backend -> Text,
        created -> BigInt,
    }
}

diesel::table! {
    rotations (id) {
        position -> BigInt,
        id -> Binary,
        backend -> Text,
        open -> Nullable<BigInt>,
        goal -> Text,
        master -> Nullable<BigInt>,
        project -> Nullable<Text>,
        target -> Nullable<Text>,
        stage -> Text,
        paused -> Bool,
        cursor -> Nullable<Text>,
        total -> BigInt,
        done -> BigInt,
        changed -> BigInt,
        failed -> BigInt,
        waiting -> Nullable<Text>,
        worker -> Nullable<Text>,
        worker_run -> Nullable<Binary>,
        lease_until -> Nullable<BigInt>,
        created -> BigInt,
        updated -> BigInt,
    }
}

diesel::table! {
    disposals (id) {
        id -> Binary,
        kind -> Text,
        owner -> Binary,
        project_key -> Binary,
        backend -> Text,
        sealed -> Binary,
        due -> BigInt,
    }
}

diesel::table! {
    endings (secret) {
        secret -> Binary,
        ends -> BigInt,
        certificate_ends -> Nullable<BigInt>,
        subject -> Nullable<Text>,
        issuer -> Nullable<Text>,
        serial -> Nullable<Text>,
        fingerprint -> Nullable<Binary>,
        told -> Nullable<BigInt>,
        due -> Nullable<BigInt>,
        worker -> Nullable<Text>,
        worker_run -> Nullable<Binary>,
        lease_until -> Nullable<BigInt>,
        ack_at -> Nullable<BigInt>,
        ack_by -> Nullable<Text>,
        ack_note -> Nullable<Text>,
        ack_recorded -> Nullable<Bool>,
    }
}

diesel::table! {
    deleted_secrets (id) {
        id -> Binary,
        project -> BigInt,
        position -> BigInt,
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
        deleted -> BigInt,
        deleted_by -> Nullable<Text>,
        belongings -> Text,
    }
}

diesel::table! {
    unread_certificates (secret) {
        secret -> Binary,
        due -> BigInt,
    }
}

diesel::table! {
    errands (id) {
        position -> BigInt,
        id -> Binary,
        open -> Nullable<BigInt>,
        secret -> Binary,
        operator -> Text,
        act -> Text,
        successor -> Nullable<Binary>,
        successor_created -> Nullable<BigInt>,
        successor_expiration -> Nullable<BigInt>,
        overlap -> Nullable<BigInt>,
        project_key -> Nullable<Binary>,
        backend -> Nullable<Text>,
        content_type -> Nullable<Text>,
        sealed -> Nullable<Binary>,
        refusal -> Nullable<Text>,
        asked -> BigInt,
        ended -> Nullable<BigInt>,
        fingerprint -> Nullable<Binary>,
    }
}

diesel::table! {
    replacements (old) {
        old -> Binary,
        new -> Binary,
        operator -> Text,
        until -> BigInt,
    }
}

diesel::table! {
    last_reads (secret) {
        secret -> Binary,
        day -> BigInt,
    }
}

diesel::table! {
    reviews (id) {
        position -> BigInt,
        id -> Binary,
        operator -> Text,
        started -> BigInt,
        unread_days -> BigInt,
        looked -> BigInt,
        listed -> BigInt,
        stage -> Text,
        file -> Nullable<Text>,
        condemned -> BigInt,
        deleted -> BigInt,
        spared -> BigInt,
        ended -> Nullable<BigInt>,
        owners_unknown -> Nullable<BigInt>,
        materials_unknown -> Nullable<BigInt>,
    }
}

diesel::table! {
    condemned_secrets (review, secret) {
        review -> Binary,
        secret -> Binary,
        updated -> BigInt,
        orphaned -> Bool,
        twin -> Nullable<Binary>,
    }
}

diesel::table! {
    preferred_stores (project) {
        project -> BigInt,
        store -> Binary,
    }
}

diesel::table! {
    nodes (node, backend) {
        node -> Text,
        backend -> Text,
        proved -> BigInt,
        seen -> BigInt,
    }
}

diesel::table! {
    milestones (name) {
        name -> Text,
        at -> BigInt,
        detail -> Text,
    }
}

diesel::joinable!(secrets -> projects (project));
diesel::joinable!(endings -> secrets (secret));
diesel::joinable!(project_keys -> projects (project));
diesel::joinable!(deleted_secrets -> projects (project));
diesel::joinable!(payloads -> project_keys (project_key));
diesel::joinable!(consumers -> projects (project));
diesel::joinable!(containers -> projects (project));
diesel::joinable!(orders -> projects (project));
diesel::joinable!(preferred_stores -> projects (project));
diesel::joinable!(order_passphrases -> orders (order_id));
diesel::allow_tables_to_appear_in_same_query!(
    projects,
    secrets,
    deleted_secrets,
    payloads,
    project_keys,
    endings
);
diesel::allow_tables_to_appear_in_same_query!(projects, consumers);
diesel::allow_tables_to_appear_in_same_query!(projects, containers);
diesel::allow_tables_to_appear_in_same_query!(projects, orders, order_passphrases);
diesel::allow_tables_to_appear_in_same_query!(projects, preferred_stores);
diesel::allow_tables_to_appear_in_same_query!(secrets, acl_users);
diesel::allow_tables_to_appear_in_same_query!(secrets, last_reads, container_members);
diesel::allow_tables_to_appear_in_same_query!(secrets, consumers);
diesel::allow_tables_to_appear_in_same_query!(projects, last_reads);
diesel::allow_tables_to_appear_in_same_query!(projects, container_members);
diesel::allow_tables_to_appear_in_same_query!(consumers, last_reads);
